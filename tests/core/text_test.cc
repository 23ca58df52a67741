#include "core/text.h"

#include <gtest/gtest.h>

namespace mailorigin {
namespace {

using namespace std::string_literals;

std::string one_line(std::string_view text) {
  std::string out;
  append_one_line(out, text);
  return out;
}

TEST(OneLine, LeavesPrintableTextAlone) {
  EXPECT_EQ(one_line("plain \\ text, Grüße, 日本, 😀"), "plain \\ text, Grüße, 日本, 😀");
}

TEST(OneLine, EndsNoLine) {
  EXPECT_EQ(one_line("a\r\nb\nc\rd"), "a  b c d");
  EXPECT_EQ(one_line("a\0b\tc\x1b[31m\x7f"s), "a\\x00b\\x09c\\x1b[31m\\x7f");
  EXPECT_EQ(one_line("a\xc2\x85"
                     "b"),
            "a\\xc2\\x85b");  // NEL
  EXPECT_EQ(one_line("a\xe2\x80\xa8"
                     "b"),
            "a\\xe2\\x80\\xa8b");  // LINE SEPARATOR
}

TEST(OneLine, EscapesWhatIsNotUtf8) {
  EXPECT_EQ(one_line("\xff\xc3(\xed\xa0\x80\xc0\xaf\xf5"),
            "\\xff\\xc3(\\xed\\xa0\\x80\\xc0\\xaf\\xf5");
  EXPECT_EQ(one_line("\xe6\x97"), "\\xe6\\x97");
}

TEST(EqualIgnoringCase, KnowsTheLettersOfAscii) {
  EXPECT_TRUE(equal_ignoring_case("", ""));
  EXPECT_TRUE(equal_ignoring_case("Message-ID", "mESSAGE-id"));
  EXPECT_FALSE(equal_ignoring_case("To", "To:"));
  EXPECT_FALSE(equal_ignoring_case("@[", "`{"));  // a letter's distance from each other
  EXPECT_FALSE(equal_ignoring_case("Ä", "ä"));
  EXPECT_FALSE(equal_ignoring_case("a\0b"s, "a\0c"s));
}

TEST(Cut, EndsAtACharacter) {
  EXPECT_EQ(cut("abc", 5), "abc");
  EXPECT_EQ(cut("abc", 2), "ab");
  EXPECT_EQ(cut("aü", 2), "a");
  EXPECT_EQ(cut("aü", 3), "aü");
  EXPECT_EQ(cut("😀😀", 7), "😀");
  EXPECT_EQ(cut("😀😀", 3), "");
  EXPECT_EQ(cut("\x80\x80\x80\x80\x80\x80", 5).size(), 5U);  // not UTF-8 at all
}

TEST(HeaderValue, IsPrintableAsciiBelowTheLineLimit) {
  EXPECT_EQ(header_value("a\r\nBcc: x@y"), "a  Bcc: x@y");
  EXPECT_EQ(header_value("ü"), "\\xc3\\xbc");
  EXPECT_EQ(header_value(std::string(5000, 'x')).size(), 900U);
}

}  // namespace
}  // namespace mailorigin
