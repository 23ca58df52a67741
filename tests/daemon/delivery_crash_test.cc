// What stands in a log after a kill at any moment.
#include <fstream>
#include <string>

#include "tests/daemon/delivery_fixture.h"

namespace mailorigin::daemon {
namespace {

using testing::open_log;
using testing::read_lines;
using testing::read_whole;

// The heart of the promise: whatever was stored and written when the process was
// killed, the next one completes the log exactly.
TEST_F(DeliveryTest, AfterAKillAtAnyByteOfAWriteTheLogIsExact) {
  adopt_file(log_);
  Lines expected = write_numbers(0, 3);
  deliver();
  delivery_.reset();
  const std::string positions_before = read_whole(state_ + "/positions");
  const std::string log_before = read_whole(log_);
  reopen();
  adopt_file(log_);
  for (const std::string& subject : write_numbers(3, 7)) expected.push_back(subject);
  deliver();
  const std::string log_after = read_whole(log_);
  ASSERT_EQ(read_lines(log_), expected);

  for (std::size_t size = log_before.size(); size <= log_after.size(); size++) {
    delivery_.reset();
    journal_.reset();
    std::ofstream(state_ + "/positions", std::ios::binary) << positions_before;
    std::ofstream(log_, std::ios::binary) << log_after.substr(0, size);
    reopen();
    adopt_file(log_);
    deliver();
    ASSERT_EQ(read_whole(log_), log_after) << "killed after " << size << " bytes";
    // And it goes on from there.
    reopen();
    adopt_file(log_);
    deliver();
    ASSERT_EQ(read_whole(log_), log_after) << "started again after " << size << " bytes";
  }
  EXPECT_TRUE(notices().empty());
}

TEST_F(DeliveryTest, AfterAKillBetweenTwoLogsBothAreExact) {
  const std::string logs[] = {log_, directory_ / "other.log"};
  const Policy policy =
      policy_of({{LogTarget::Kind::file, logs[0]}, {LogTarget::Kind::file, logs[1]}}, {{0, 1}});
  const auto begin = [&] {
    reopen();
    adopt(policy, list(open_log(logs[0]), open_log(logs[1])));
  };
  begin();
  deliver();
  const std::string positions_before = read_whole(state_ + "/positions");
  const Lines subjects = write_numbers(0, 4);
  deliver();
  const std::string positions_after = read_whole(state_ + "/positions");
  const std::string written = read_whole(log_);

  // One log was written and its position stored, the other one not yet; their
  // slots stand in the targets' order, behind the common position's.
  constexpr std::size_t slot_size = 64;
  for (std::size_t done = 0; done < 2; done++) {
    std::string positions = positions_before;
    const std::size_t slot = slot_size * (1 + done);
    positions.replace(slot, slot_size, positions_after, slot, slot_size);
    std::ofstream(state_ + "/positions", std::ios::binary) << positions;
    std::ofstream(logs[done], std::ios::binary) << written;
    std::ofstream(logs[1 - done], std::ios::binary) << "";
    begin();
    deliver();
    EXPECT_EQ(read_lines(logs[0]), subjects);
    EXPECT_EQ(read_lines(logs[1]), subjects);
  }
}

TEST_F(DeliveryTest, AfterAKillForeignLinesInTheLogDoNotConfuseIt) {
  adopt_file(log_);
  const Lines first = write_numbers(0, 1);
  deliver();
  delivery_.reset();
  const std::string positions_before = read_whole(state_ + "/positions");
  const std::string log_before = read_whole(log_);
  reopen();
  const Lines more = write_numbers(1, 4);
  std::ofstream(state_ + "/positions", std::ios::binary) << positions_before;
  std::ofstream(log_) << log_before << "foreign\n"
                      << more[0] << "\nanother event number 2\n"
                      << more[1] << "\nforeign again\n";
  reopen();
  adopt_file(log_);
  deliver();
  EXPECT_EQ(read_lines(log_), (Lines{first[0], "foreign", more[0], "another event number 2",
                                     more[1], "foreign again", more[2]}));
}

TEST_F(DeliveryTest, IdenticalLinesAreCountedAfterAKill) {
  adopt_file(log_);
  deliver();
  delivery_.reset();
  const std::string positions_before = read_whole(state_ + "/positions");
  reopen();
  for (int i = 0; i < 5; i++) write_event("the same");
  std::ofstream(state_ + "/positions", std::ios::binary) << positions_before;
  std::ofstream(log_) << "the same\nthe same\nthe s";
  reopen();
  adopt_file(log_);
  deliver();
  EXPECT_EQ(read_lines(log_), (Lines(5, "the same")));
}

}  // namespace
}  // namespace mailorigin::daemon
