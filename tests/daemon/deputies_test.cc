#include "mailorigind/connections/deputies.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/random.h"
#include "core/seal.h"
#include "mailorigind/limits.h"
#include "tests/daemon/running_daemon.h"
#include "tests/harness/daemon.h"

namespace mailorigin::daemon {
namespace {

constexpr uid_t httpd_uid = 33;

class DeputiesTest : public testing::DaemonTest {
 protected:
  static constexpr const char* all =
      "%{kind}|%{verdict}|%{reason}|%{verified}|%{vhost}|%{client}|%{uri}|%{dst}|%{dst_port}|%{"
      "file}|"
      "%{line}|%{caller}|%{uid}";

  DeputiesTest() {
    const Fd log = testing::open_log(log_);
    EXPECT_EQ(control_->push(policy(), host_.key, {log.get()}), "");
  }
  Policy policy() { return testing::simple_policy(log_, all, testing::tenant); }

  static DeputedConnection deputed(const char* verdict = "deny") {
    DeputedConnection out;
    random_bytes(out.nonce.data(), out.nonce.size());
    out.request.tag.vhost_id = vhost_id(testing::simple_vhost);
    out.request.tag.boottime_ns = boottime_now_ns();
    out.request.vhost = testing::simple_vhost;
    out.request.client = "192.0.2.7";
    out.request.uri = "/page";
    out.connection.set(Field::verdict, verdict);
    out.connection.set(Field::reason, "smtp-local");
    out.connection.set(Field::dst, "127.0.0.1");
    out.connection.set(Field::dst_port, "25");
    out.connection.set(Field::file, "/srv/.htaccess");
    out.connection.set(Field::line, "3");
    out.connection.set(Field::caller, "/srv/.htaccess:3");
    return out;
  }

  // Over one connection of httpd's user, in a child; 0 if `judge` is content with each answer.
  int tell(const std::vector<std::string>& packets,
           const std::function<bool(const std::optional<Answer>&)>& judge) {
    return testing::exit_status(testing::run_as(httpd_uid, [&] {
      testing::RawClient client(host_.question_socket);
      for (const std::string& packet : packets) {
        if (!client.send(packet) || !judge(client.answer())) return 1;
      }
      return 0;
    }));
  }
};

TEST_F(DeputiesTest, BecomeEventsOfTheRequestsVirtualHost) {
  EXPECT_EQ(tell({encode_deputed(deputed(), host_.key)},
                 [](const auto& answer) {
                   return answer && answer->verdict == Verdict::deny && answer->recorded &&
                          answer->reason == "smtp-local" && answer->id.size() == Ulid::text_length;
                 }),
            0);
  EXPECT_EQ(log_lines(1),
            std::vector<std::string>{"smtp|deny|smtp-local|true|example.test:80|192.0.2.7|/page|"
                                     "127.0.0.1|25|/srv/.htaccess|3|/srv/.htaccess:3|33"});
}

TEST_F(DeputiesTest, ARepeatedOneCountsOnce) {
  const std::string packet = encode_deputed(deputed("allow"), host_.key);
  const auto allowed = [](const auto& answer) {
    return answer && answer->verdict == Verdict::allow && answer->recorded && !answer->id.empty();
  };
  EXPECT_EQ(tell({packet, packet}, allowed), 0);
  EXPECT_EQ(tell({packet}, allowed), 0);  // over another connection
  EXPECT_EQ(tell({encode_deputed(deputed("observe"), host_.key)},
                 [](const auto& answer) { return answer && answer->verdict == Verdict::observe; }),
            0);
  ASSERT_EQ(log_lines(2).size(), 2U);
  EXPECT_EQ(log_lines(2)[0].substr(0, 11), "smtp|allow|");
  EXPECT_EQ(log_lines(2)[1].substr(0, 13), "smtp|observe|");
}

// A tenant's program that runs as httpd's user has contexts of its own, and no key.
TEST_F(DeputiesTest, NobodyElseTellsOfThem) {
  const SealKey made_up = SealKey::generate();
  EXPECT_EQ(tell({encode_deputed(deputed(), made_up)}, [](const auto& answer) { return !answer; }),
            0);
  EXPECT_NE(control_->notice_with("MO0210: uid 33: closed 1 connection, the last one"), "");
  expect_alive();
  EXPECT_EQ(log_lines(1).size(), 1U);
}

TEST_F(DeputiesTest, BeyondItsShareAVirtualHostIsJudgedAndNotRecorded) {
  std::vector<std::string> packets;
  for (int i = 0; i < 2 * static_cast<int>(deputed_burst); i++) {
    packets.push_back(encode_deputed(deputed(), host_.key));
  }
  EXPECT_EQ(tell(packets,
                 [](const auto& answer) {
                   return answer && answer->verdict == Verdict::deny &&
                          (answer->recorded || !answer->explanation.empty());
                 }),
            0);
  const std::size_t recorded = log_lines(static_cast<std::size_t>(deputed_burst)).size();
  EXPECT_GE(recorded, static_cast<std::size_t>(deputed_burst));
  EXPECT_LT(recorded, packets.size());
  DeputedConnection another = deputed();
  another.request.tag.vhost_id = 12345;  // of no virtual host that is configured
  EXPECT_EQ(tell({encode_deputed(another, host_.key)},
                 [](const auto& answer) { return answer && answer->recorded; }),
            0);
}

TEST_F(DeputiesTest, MailOriginOffHasNone) {
  Policy off = policy();
  off.vhosts[0].enabled = false;
  off.index();
  const Fd log = testing::open_log(log_);
  ASSERT_EQ(control_->push(off, host_.key, {log.get()}), "");
  EXPECT_EQ(tell({encode_deputed(deputed("allow"), host_.key)},
                 [](const auto& answer) {
                   return answer && answer->verdict == Verdict::allow && answer->recorded &&
                          answer->id.empty();
                 }),
            0);
}

}  // namespace
}  // namespace mailorigin::daemon
