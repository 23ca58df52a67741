// What the daemon tells the command line.
#include "mailorigind/status.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <chrono>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "core/file.h"
#include "mailorigind/limits.h"
#include "tests/harness/daemon.h"

namespace mailorigin::daemon {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

TEST(DaemonStatus, FitsAPacketWhateverItsNames) {
  // JSON writes six bytes for each of these.
  const std::string hostile(4 * shown_text_limit, '\1');
  DaemonStatus status;
  status.connected_instance = hostile;
  status.journal_end = 100;
  status.consumers = {{"logs", 40, 7}};
  status.store = {true, "sqlite3", "/var/lib/mailorigin/mail.db", "database is locked", "", 30};
  status.backlog.handled = 40;
  status.backlog.count = 1000;
  for (std::size_t i = 0; i < logs_shown; i++) {
    status.backlog.logs.push_back({hostile, 70, false, hostile});
  }
  for (std::size_t i = 0; i < 3 * findings_shown; i++) {
    status.findings.push_back({i, {Notice::Level::error, "\xff" + hostile}});
  }
  for (std::size_t i = 0; i < 3 * vhosts_shown; i++) {
    status.silent.push_back({hostile, i});
    status.other_users.push_back({hostile, 33});
  }
  const std::string text = status_json(status);
  EXPECT_LE(encode_status_reply(text).size(), packet_limit);
  const json read = json::parse(text, nullptr, false);
  ASSERT_TRUE(read.is_object());
  EXPECT_EQ(read["logs_behind"], 1000);
  EXPECT_FALSE(read["logs"].empty());
  EXPECT_EQ(read["logs"][0]["waiting"], 30);
  EXPECT_FALSE(read["findings"].empty());
  EXPECT_EQ(read["findings_count"], 3 * findings_shown);
  EXPECT_EQ(read["php"]["silent_count"], 3 * vhosts_shown);
  EXPECT_FALSE(read["php"]["silent"].empty());
  EXPECT_EQ(read["php"]["other_users_count"], 3 * vhosts_shown);
  EXPECT_FALSE(read["php"]["other_users"].empty());
  EXPECT_EQ(read["journal"]["waiting"], 60);
  EXPECT_EQ(read["journal"]["consumers"],
            json::parse(R"([{"name": "logs", "waiting": 60, "lost": 7}])"));
  EXPECT_FALSE(read.contains("policy"));
}

class TellTest : public ::testing::Test {
 protected:
  TellTest() { host_.start(); }

  // The answer to a packet that is its head alone.
  Packet ask(MessageType type) {
    const Deadline deadline = std::chrono::steady_clock::now() + 10s;
    const auto socket = connect_unix(host_.control_socket, deadline);
    Packet packet;
    if (!socket || !send_packet(socket->get(), encode_head(type), deadline) ||
        receive_packet(socket->get(), packet, packet_limit, deadline) != Received::packet) {
      ADD_FAILURE() << "no answer";
      packet.bytes = {};
    }
    return packet;
  }
  json status() {
    const auto text = decode_status_reply(ask(MessageType::status).bytes);
    return text ? json::parse(*text, nullptr, false) : json();
  }

  testing::DaemonHost host_;
  const std::string log_ = host_.directory / "mail.log";
};

TEST_F(TellTest, FromTheStartOnThroughHttpdsComingAndGoing) {
  json before = status();
  EXPECT_EQ(before["pid"], host_.pid());
  EXPECT_EQ(before["httpd"]["connected"], false);
  EXPECT_FALSE(before.contains("policy"));
  EXPECT_NE(*decode_reply(ask(MessageType::show_policy).bytes), "");

  const Policy policy = testing::simple_policy(log_, "%{subject}");
  testing::ControlConnection httpd(host_.control_socket);
  const Fd log = testing::open_log(log_);
  ASSERT_EQ(httpd.push(policy, host_.key, {log.get()}), "");
  json with = status();
  EXPECT_EQ(with["httpd"], (json{{"connected", true}, {"instance", policy.instance}}));
  EXPECT_EQ(with["policy"]["targets"], 1);
  EXPECT_EQ(with["started"], before["started"]);

  httpd.close();
  EXPECT_TRUE(testing::eventually([&] { return status()["httpd"]["connected"] == false; }));
  EXPECT_EQ(status()["httpd"]["instance"], policy.instance);
}

TEST_F(TellTest, ThePolicyAsItWasPushed) {
  Policy policy = testing::simple_policy(log_, "%{subject}");
  for (std::uint32_t i = 1; i <= 10'000; i++) {
    VhostPolicy& vhost = policy.vhosts.emplace_back();
    vhost.id = i;
    vhost.name = "host" + std::to_string(i) + ".example:443";
  }
  policy.index();
  testing::ControlConnection httpd(host_.control_socket);
  const Fd log = testing::open_log(log_);
  ASSERT_EQ(httpd.push(policy, host_.key, {log.get()}), "");
  const Packet shown = ask(MessageType::show_policy);
  ASSERT_EQ(message_type(shown.bytes), MessageType::policy_shown);
  ASSERT_EQ(shown.descriptors.size(), 1U);
  const auto bytes = read_file(shown.descriptors[0].get(), 64 << 20);
  ASSERT_TRUE(bytes);
  EXPECT_TRUE(*bytes == policy.encode());
  EXPECT_EQ(fcntl(shown.descriptors[0].get(), F_GET_SEALS),
            F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
}

}  // namespace
}  // namespace mailorigin::daemon
