#include "submit/mail_data.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace mailorigin::submit {
namespace {

struct Read {
  std::string message;
  std::size_t taken = 0;
  bool ended = false;
};

// In pieces of `length` bytes.
Read read(std::string_view bytes, std::size_t length) {
  Read result;
  MailDataReader reader;
  while (result.taken < bytes.size() && !reader.has_ended()) {
    result.taken += reader.read(bytes.substr(result.taken, length), result.message);
  }
  result.ended = reader.has_ended();
  return result;
}

TEST(MailData, EndsWithADotOnALineByItself) {
  for (const std::size_t length : {1, 2, 3, 1000}) {
    for (const std::string_view end : {"\n.\n", "\r\n.\r\n", "\n.\r\n", "\r\n.\n"}) {
      const std::string bytes = "A: 1" + std::string(end) + "MAIL FROM:<x>\r\n";
      const Read result = read(bytes, length);
      EXPECT_TRUE(result.ended) << end;
      EXPECT_EQ(result.message, "A: 1\r\n");
      EXPECT_EQ(bytes.substr(result.taken), "MAIL FROM:<x>\r\n");
    }
    const Read empty = read(".\r\nNOOP", length);
    EXPECT_TRUE(empty.ended);
    EXPECT_EQ(empty.message, "");
    EXPECT_EQ(empty.taken, 3U);
  }
}

TEST(MailData, GoesOnWhereALineOnlyBeginsWithADot) {
  for (const std::size_t length : {1, 2, 3, 1000}) {
    EXPECT_EQ(read("..\r\n.x\n....\r\n.\n", length).message, ".\r\nx\r\n...\r\n");
  }
}

// What one server takes for a line's end, none gets to see.
TEST(MailData, HasNoCarriageReturnWithoutALine) {
  for (const std::size_t length : {1, 2, 3, 1000}) {
    EXPECT_EQ(read("a\r.\rb\r\r\n\r.\r\n.\r\n", length).message, "a . b \r\n .\r\n");
    EXPECT_EQ(read(".\rx\r\n.\r\n", length).message, " x\r\n");
    EXPECT_EQ(read(".\r\r\n.\r\n", length).message, " \r\n");
  }
}

TEST(MailData, IsWrittenAsItWasRead) {
  const std::string_view message = ".\r\nx\r\n..y\r\n\r\n.";
  for (const std::size_t length : {1, 2, 3, 1000}) {
    MailDataWriter writer;
    std::string out;
    for (std::size_t at = 0; at < message.size(); at += length) {
      writer.write(message.substr(at, length), out);
    }
    writer.end(out);
    const Read back = read(out + "QUIT", 7);
    EXPECT_EQ(back.message, std::string(message) + "\r\n");
    EXPECT_EQ(back.taken, out.size());
  }
  std::string nothing;
  MailDataWriter().end(nothing);
  EXPECT_EQ(nothing, ".\r\n");
}

}  // namespace
}  // namespace mailorigin::submit
