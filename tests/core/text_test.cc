#include "core/text.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace mailorigin {
namespace {

using namespace std::string_literals;

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

// What is never seen, but turns, joins or hides what is: all of category Cf, and the
// separators of lines and paragraphs.
TEST(OneLine, EscapesWhatIsNeverSeen) {
  EXPECT_EQ(one_line("a\u202Egpj.exe"), "a\\xe2\\x80\\xaegpj.exe");
  EXPECT_EQ(one_line("\u2066x\u2069"), "\\xe2\\x81\\xa6x\\xe2\\x81\\xa9");
  for (const char* character :
       {"\u0080", "\u009F",     "\u00AD",     "\u061C",     "\u200B",     "\u200D", "\u200F",
        "\u2028", "\u2029",     "\u202A",     "\u2060",     "\u2067",     "\u206F", "\uFEFF",
        "\uFFF9", "\U000110BD", "\U0001343F", "\U000E0001", "\U000E0041", "\u034F", "\u115F",
        "\u3164", "\uFE0F",     "\uFFA0",     "\U000E0100"}) {
    const std::string line = one_line(character);
    EXPECT_EQ(line.substr(0, 2), "\\x") << line;
    EXPECT_EQ(line.size(), 4 * std::string_view(character).size()) << line;
  }
  // Their neighbours, what is written from right to left, and other blanks.
  for (const char* text :
       {"\u00A0", "\u00AC\u00AE", "\u200A\u2010", "\u2027\u202F", "\u205F\u2070", "\uFEFE\uFF00",
        "\u0627\u0644\u0639", "\u05E9\u05DC", "\U000DFFFF\U000E1000", "\U0010FFFF"}) {
    EXPECT_EQ(one_line(text), text);
  }
}

TEST(EqualIgnoringCase, KnowsTheLettersOfAscii) {
  EXPECT_TRUE(equal_ignoring_case("", ""));
  EXPECT_TRUE(equal_ignoring_case("Message-ID", "mESSAGE-id"));
  EXPECT_FALSE(equal_ignoring_case("To", "To:"));
  EXPECT_FALSE(equal_ignoring_case("@[", "`{"));  // a letter's distance from each other
  EXPECT_FALSE(equal_ignoring_case("Ä", "ä"));
  EXPECT_FALSE(equal_ignoring_case("a\0b"s, "a\0c"s));
}

TEST(Trimmed, LeavesWhiteSpaceWithin) {
  EXPECT_EQ(trimmed("\t a \n b\v\f\r\n"), "a \n b");
  EXPECT_EQ(trimmed(" \t\r\n"), "");
  EXPECT_EQ(trimmed(""), "");
  EXPECT_EQ(trimmed("\xa0 a"), "\xa0 a");
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
