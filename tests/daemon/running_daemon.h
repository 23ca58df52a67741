// A running daemon for the tests that ask it.
#pragma once

#include <gtest/gtest.h>

#include <csignal>
#include <optional>
#include <string>
#include <vector>

#include "tests/harness/daemon.h"

namespace mailorigin::testing {

inline constexpr uid_t tenant = 31'001;
inline constexpr uid_t neighbour = 31'002;

// A running daemon with simple_policy(): the vhost runs as `tenant`.
class DaemonTest : public ::testing::Test {
 protected:
  static constexpr const char* format =
      "%{subject}|%{verified}|%{vhost}|%{reason}|%{uid}|%{verdict}|%{entry}";

  DaemonTest() {
    (void)std::signal(SIGPIPE, SIG_IGN);
    host_.start();
    control_.emplace(host_.control_socket);
    EXPECT_EQ(push(), "");
  }

  std::string push() {
    const Fd log = open_log(log_);
    return control_->push(simple_policy(log_, format, tenant), host_.key, {log.get()});
  }

  // Asks in a child under `uid`; true if it was answered "allow" with `reason`.
  void ask_as(uid_t uid, const std::string& subject, const std::string& context = "",
              const std::string& reason = "") {
    const pid_t child = run_as(uid, [&] {
      RawClient client(host_.question_socket);
      const auto answer = client.ask(mail_question(subject, context));
      if (!answer) return 1;
      return answer->verdict == Verdict::allow && answer->recorded && answer->reason == reason &&
                     answer->id.size() == Ulid::text_length
                 ? 0
                 : 2;
    });
    EXPECT_EQ(exit_status(child), 0) << subject;
  }

  // The log, once it has `count` lines.
  std::vector<std::string> log_lines(std::size_t count) {
    (void)eventually([&] { return read_lines(log_).size() >= count; });
    return read_lines(log_);
  }

  // Everybody else is still served.
  void expect_alive() {
    const std::size_t before = read_lines(log_).size();
    RawClient client(host_.question_socket);
    const auto answer = client.ask(mail_question("alive"));
    ASSERT_TRUE(answer);
    EXPECT_TRUE(eventually([&] { return read_lines(log_).size() > before; }));
  }

  DaemonHost host_;
  const std::string log_ = host_.directory / "mail.log";
  std::optional<ControlConnection> control_;
};

}  // namespace mailorigin::testing
