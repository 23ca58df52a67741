// The real daemon and httpd's side of it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "tests/harness/daemon.h"

namespace mailorigin::testing {
namespace {

class ControlTest : public ::testing::Test {
 protected:
  ControlTest() {
    (void)std::signal(SIGPIPE, SIG_IGN);
    host_.start();
  }

  std::string push(ControlConnection& control, const Policy& policy) {
    const Fd log = open_log(log_);
    return control.push(policy, host_.key, {log.get()});
  }
  Policy policy() const { return simple_policy(log_, "%{subject}"); }

  void ask(const std::string& subject) {
    RawClient client(host_.question_socket);
    const auto answer = client.ask(mail_question(subject));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->verdict, Verdict::allow);
  }

  bool log_has(const std::vector<std::string>& lines) {
    return eventually([&] { return read_lines(log_) == lines; });
  }

  DaemonHost host_;
  const std::string log_ = host_.directory / "mail.log";
};

TEST_F(ControlTest, BeforeThereIsAPolicyMailsAreAnsweredAndKept) {
  ask("early");
  ControlConnection control(host_.control_socket);
  EXPECT_EQ(push(control, policy()), "");
  EXPECT_TRUE(log_has({"early"}));
}

TEST_F(ControlTest, TheLastPolicyIsThereAtTheNextStart) {
  {
    ControlConnection control(host_.control_socket);
    ASSERT_EQ(push(control, policy()), "");
  }
  ASSERT_EQ(host_.terminate(), 0);
  host_.start();
  ask("without httpd");
  ControlConnection control(host_.control_socket);
  EXPECT_EQ(push(control, policy()), "");
  EXPECT_TRUE(log_has({"without httpd"}));
}

TEST_F(ControlTest, ABadStoredPolicyIsSaidAndDoesNotStopTheStart) {
  ASSERT_TRUE(eventually([&] { return std::filesystem::exists(host_.state_directory + "/lock"); }));
  ask("running");
  ASSERT_EQ(host_.terminate(), 0);
  std::ofstream(host_.state_directory + "/policy") << "garbage";
  host_.start();
  ask("still running");
  ControlConnection control(host_.control_socket);
  EXPECT_EQ(push(control, policy()), "");
  EXPECT_TRUE(log_has({"running", "still running"}));
  // It was found before there was an httpd to be told.
  EXPECT_NE(control.notice_with("MO0215"), "");
}

TEST_F(ControlTest, ANewPolicyReplacesTheOldInOneStep) {
  ControlConnection control(host_.control_socket);
  ASSERT_EQ(push(control, policy()), "");
  ask("first");
  ASSERT_TRUE(log_has({"first"}));
  // The graceful restart after logrotate: a new connection, a new file.
  std::filesystem::rename(log_, log_ + ".1");
  ControlConnection next(host_.control_socket);
  ASSERT_EQ(push(next, simple_policy(log_, "new %{subject}")), "");
  control.close();
  ask("second");
  EXPECT_TRUE(log_has({"new second"}));
  EXPECT_EQ(read_lines(log_ + ".1"), (std::vector<std::string>{"first"}));
}

TEST_F(ControlTest, ManyDescriptorsComeInBatches) {
  Policy many = policy();
  many.targets.clear();
  std::vector<Fd> logs;
  std::vector<int> descriptors;
  for (int i = 0; i < 600; i++) {
    const std::string path = log_ + "." + std::to_string(i);
    many.targets.push_back({LogTarget::Kind::file, path});
    if (i % 100 == 0) many.targets.push_back({LogTarget::Kind::syslog, "mail"});
    logs.push_back(open_log(path));
    descriptors.push_back(logs.back().get());
  }
  many.server.logs = {{static_cast<std::uint32_t>(many.targets.size() - 1), {false, "%{subject}"}}};
  ControlConnection control(host_.control_socket);
  ASSERT_EQ(control.push(many, host_.key, descriptors), "");
  ask("into the last");
  EXPECT_TRUE(eventually(
      [&] { return read_lines(log_ + ".599") == std::vector<std::string>{"into the last"}; }));
}

TEST_F(ControlTest, AnotherHttpdIsToldToUseItsOwnDirectories) {
  std::optional<ControlConnection> first(host_.control_socket);
  ASSERT_EQ(push(*first, policy()), "");
  Policy other = policy();
  other.instance = "/run/other-httpd.pid";
  ControlConnection second(host_.control_socket);
  const std::string refusal = push(second, other);
  EXPECT_NE(refusal.find("MailOriginRuntimeDir"), std::string::npos) << refusal;
  EXPECT_NE(refusal.find("MailOriginStateDir"), std::string::npos) << refusal;
  ask("first one's");
  EXPECT_TRUE(log_has({"first one's"}));
  // When the first httpd has gone, the other one is welcome.
  first.reset();
  EXPECT_TRUE(eventually([&] {
    ControlConnection third(host_.control_socket);
    return push(third, other).empty();
  }));
}

TEST_F(ControlTest, OnlyRootMayControl) {
  ControlConnection control(host_.control_socket);
  EXPECT_EQ(push(control, policy()), "");
  chmod(host_.control_socket.c_str(), 0666);  // as if an admin had opened it by mistake
  const pid_t tenant = run_as(31'001, [&] {
    ControlConnection own(host_.control_socket);
    return push(own, policy()).empty() ? 1 : 0;
  });
  EXPECT_EQ(exit_status(tenant), 0);
  EXPECT_NE(control.notice_with("MO0214").find("31001"), std::string::npos);
}

TEST_F(ControlTest, WhatBreaksTheProtocolIsRefusedWithTheReason) {
  const auto memfd_of = [](const std::string& bytes) {
    Fd memory(memfd_create("policy", MFD_CLOEXEC));
    EXPECT_EQ(write(memory.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    return memory;
  };
  const std::string head = encode_policy_message({policy().instance, {host_.key, std::nullopt}});
  const Fd good = memfd_of(policy().encode());
  const Fd bad = memfd_of("garbage");
  const Fd log = open_log(log_);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const Fd pipe_read(ends[0]);
  const Fd pipe_write(ends[1]);

  const auto refusal = [&](auto... packets) {
    ControlConnection control(host_.control_socket);
    (packets(control), ...);
    return control.reply();
  };
  const auto send = [](const std::string& packet, std::vector<int> descriptors = {}) {
    return [=](ControlConnection& control) { control.send(packet, descriptors); };
  };
  EXPECT_NE(refusal(send("nonsense")), "");
  EXPECT_NE(refusal(send(encode_head(MessageType::commit))).find("no policy"), std::string::npos);
  EXPECT_NE(refusal(send(head)).find("one descriptor"), std::string::npos);
  EXPECT_NE(refusal(send(head, {bad.get()})).find("policy"), std::string::npos);
  EXPECT_NE(refusal(send(head, {pipe_read.get()})).find("regular"), std::string::npos);
  EXPECT_NE(refusal(send(encode_policy_message({"other", {host_.key, std::nullopt}}), {good.get()}))
                .find("another instance"),
            std::string::npos);
  EXPECT_NE(refusal(send(encode_descriptors_message(0), {log.get()})).find("no policy"),
            std::string::npos);
  EXPECT_NE(refusal(send(head, {good.get()}), send(encode_descriptors_message(1), {log.get()}))
                .find("more than"),
            std::string::npos);
  EXPECT_NE(
      refusal(send(head, {good.get()}), send(encode_head(MessageType::commit))).find("missing"),
      std::string::npos);
  EXPECT_NE(refusal(send(encode_question(mail_question("x")))), "");
  ControlConnection control(host_.control_socket);
  EXPECT_EQ(push(control, policy()), "");
}

TEST_F(ControlTest, NoticesReachTheHttpdThatPushedLast) {
  ControlConnection control(host_.control_socket);
  Policy full = policy();
  full.targets[0].name = "/dev/full";
  const Fd device = Fd(open("/dev/full", O_RDWR | O_CLOEXEC));
  ASSERT_EQ(control.push(full, host_.key, {device.get()}), "");
  ask("lost for now");
  EXPECT_NE(control.notice_with("/dev/full").find("MO0230"), std::string::npos);
}

}  // namespace
}  // namespace mailorigin::testing
