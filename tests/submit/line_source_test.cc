#include "submit/line_source.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace mailorigin::submit {
namespace {

Read from(const std::string& bytes, std::size_t piece) {
  return [bytes, piece, at = std::size_t{0}](char* into, std::size_t room) mutable {
    const std::size_t length = std::min({room, piece, bytes.size() - at});
    std::copy_n(bytes.data() + at, length, into);
    at += length;
    return length;
  };
}

TEST(LineSource, GivesLineByLine) {
  for (const std::size_t piece : {1, 3, 1000}) {
    LineSource lines(from("one\r\n\ntwo\nrest", piece));
    EXPECT_EQ(lines.next()->text, "one");
    EXPECT_EQ(lines.next()->text, "");
    EXPECT_EQ(lines.next()->text, "two");
    EXPECT_FALSE(lines.next());
  }
}

TEST(LineSource, GivesTheBytesBetweenLines) {
  LineSource lines(from("BDAT 3\r\nab\nNOOP\r\n", 1000));
  EXPECT_EQ(lines.next()->text, "BDAT 3");
  EXPECT_EQ(lines.bytes(), "ab\nNOOP\r\n");
  lines.take(3);
  EXPECT_EQ(lines.next()->text, "NOOP");
  EXPECT_EQ(lines.bytes(), "");
}

TEST(LineSource, PassesOverALineThatIsTooLong) {
  for (const std::size_t piece : {999, 100'000}) {
    LineSource lines(from(std::string(1'000'000, 'x') + "\nshort\n", piece));
    const auto line = lines.next();
    ASSERT_TRUE(line);
    EXPECT_TRUE(line->too_long);
    EXPECT_EQ(lines.next()->text, "short");
  }
}

}  // namespace
}  // namespace mailorigin::submit
