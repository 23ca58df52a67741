#include "mailorigind/delivery/positions.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

#include "tests/harness/daemon.h"

namespace mailorigin::daemon {
namespace {

using testing::read_whole;
using testing::TestDirectory;

class PositionsTest : public ::testing::Test {
 protected:
  Positions open() {
    auto positions = Positions::open(directory_.path(), notices_);
    EXPECT_TRUE(positions) << positions.error().message;
    return *std::move(positions);
  }
  TestDirectory directory_;
  service::NoticeBoard notices_;
};

TEST_F(PositionsTest, AreThereAgainAfterEveryStore) {
  {
    Positions positions = open();
    EXPECT_EQ(positions.common(), 0u);
    positions.store_common(500);
    for (std::uint64_t key = 1; key < 200; key++) {
      positions.store(key,
                      {.journal = key, .device = 2, .inode = 3, .size = 4, .behind = key == 9});
    }
    positions.forget(7);
  }
  Positions positions = open();
  EXPECT_EQ(positions.common(), 500u);
  EXPECT_EQ(positions.furthest(), 500u);
  EXPECT_EQ(positions.find(7), nullptr);
  EXPECT_EQ(positions.keys().size(), 198u);
  ASSERT_NE(positions.find(9), nullptr);
  EXPECT_EQ(positions.find(9)->journal, 9u);
  EXPECT_EQ(positions.find(9)->device, 2u);
  EXPECT_EQ(positions.find(9)->inode, 3u);
  EXPECT_EQ(positions.find(9)->size, 4u);
  EXPECT_TRUE(positions.find(9)->behind);
  EXPECT_FALSE(positions.find(8)->behind);
  // The freed slot is used before the file grows.
  const auto size = std::filesystem::file_size(directory_ / "positions");
  positions.store(7000, {.journal = 1});
  EXPECT_EQ(std::filesystem::file_size(directory_ / "positions"), size);
}

TEST_F(PositionsTest, HaveTheBytesThatAreDocumented) {
  // docs/journal.md
  Positions positions = open();
  positions.store(target_key("file", "/var/log/apache2/mail.log"),
                  {.journal = 1, .device = 2, .inode = 3, .size = 4, .behind = true});
  std::string expected("\x61\xd7\xd8\x16\x6d\x97\x98\xd1", 8);
  for (const char number : {1, 2, 3, 4, 1, 0}) {
    expected += number;
    expected.append(7, '\0');
  }
  expected += std::string("\x87\xb0\x36\x71\x7c\x63\x9d\xf6", 8);
  EXPECT_EQ(read_whole(directory_ / "positions").substr(64, 64), expected);
}

TEST_F(PositionsTest, ADamagedSlotIsNoPosition) {
  {
    Positions positions = open();
    positions.store_common(500);
    positions.store(1, {.journal = 1});
    positions.store(2, {.journal = 2});
  }
  {
    const Fd file(::open((directory_ / "positions").c_str(), O_WRONLY));
    ASSERT_EQ(pwrite(file.get(), "?", 1, 64 + 8), 1);
    ASSERT_EQ(ftruncate(file.get(), 64 * 3 - 1), 0);
  }
  Positions positions = open();
  EXPECT_EQ(positions.common(), 500u);
  EXPECT_EQ(positions.find(1), nullptr);
  EXPECT_EQ(positions.find(2), nullptr);
}

}  // namespace
}  // namespace mailorigin::daemon
