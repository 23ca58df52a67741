// What stands in the logs, and in which.
#include <filesystem>
#include <string>

#include "tests/daemon/delivery_fixture.h"

namespace mailorigin::daemon {
namespace {

using testing::open_log;
using testing::read_lines;

TEST_F(DeliveryTest, WritesEachEventIntoItsVhostsLogs) {
  const std::string other = directory_ / "other.log";
  adopt(policy_of({{LogTarget::Kind::file, log_}, {LogTarget::Kind::file, other}},
                  {{0}, {1}, {0, 1}, {}}),
        list(open_log(log_), open_log(other)));
  write_event("a", 1);
  write_event("b", 2);
  write_event("c", 3);
  write_event("d", 4);
  write_event("gone vhost", 77);  // the server's, which has none
  deliver();
  EXPECT_EQ(read_lines(log_), (Lines{"a", "c"}));
  EXPECT_EQ(read_lines(other), (Lines{"b", "c"}));
  EXPECT_TRUE(notices().empty());
}

TEST_F(DeliveryTest, ALogThatIsNamedTwiceHasBothLines) {
  Policy policy = policy_of({{LogTarget::Kind::file, log_}}, {{0, 0}});
  policy.vhosts[0].logs[1].format = {false, "again %{subject}"};
  adopt(policy, list(open_log(log_)));
  write_event("a");
  write_event("b");
  deliver();
  EXPECT_EQ(read_lines(log_), (Lines{"a", "again a", "b", "again b"}));
}

TEST_F(DeliveryTest, WaitsForTheFirstPolicy) {
  const Lines subjects = write_numbers(0, 5);
  deliver();
  adopt_file(log_);
  deliver();
  EXPECT_EQ(read_lines(log_), subjects);
}

TEST_F(DeliveryTest, WithAStoredPolicyWaitsForTheDescriptors) {
  adopt(policy_of({{LogTarget::Kind::file, log_}}, {{0}}), {});
  const Lines subjects = write_numbers(0, 5);
  deliver(500);
  reopen();
  adopt(policy_of({{LogTarget::Kind::file, log_}}, {{0}}), {});
  deliver(500);
  adopt_file(log_);
  deliver();
  EXPECT_EQ(read_lines(log_), subjects);
}

TEST_F(DeliveryTest, GoesOnInANewFileAfterRotation) {
  adopt_file(log_);
  const Lines first = write_numbers(0, 3);
  deliver();
  std::filesystem::rename(log_, log_ + ".1");
  const Lines still_old = write_numbers(3, 4);
  deliver();
  adopt_file(log_);  // the graceful restart
  const Lines second = write_numbers(4, 6);
  deliver();
  reopen();
  adopt_file(log_);
  deliver();
  EXPECT_EQ(read_lines(log_ + ".1").size(), 4u);
  EXPECT_EQ(read_lines(log_), second);
}

}  // namespace
}  // namespace mailorigin::daemon
