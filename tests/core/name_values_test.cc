#include "core/name_values.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace mailorigin {
namespace {

using namespace std::string_literals;

TEST(NameValues, EncodesLengthsAsFastCgiDoes) {
  std::string out;
  NameValueWriter writer(out);
  writer.add("ab", "c");
  EXPECT_EQ(out,
            "\x02\x01"
            "abc"s);
  out.clear();
  writer.add("n", std::string(128, 'x'));
  EXPECT_EQ(out, "\x01\x80\x00\x00\x80n"s + std::string(128, 'x'));
  out.clear();
  writer.add("n", std::uint64_t{4711});
  EXPECT_EQ(out, "\x01\x04n4711"s);
}

TEST(NameValues, ReadsBackWhatWasWritten) {
  std::string out;
  NameValueWriter writer(out);
  for (const std::size_t length : {0U, 1U, 127U, 128U, 70000U}) {
    writer.add(std::string(length, 'n'), std::string(length, 'v'));
  }
  NameValueReader reader(out);
  for (const std::size_t length : {0U, 1U, 127U, 128U, 70000U}) {
    const auto pair = reader.next();
    ASSERT_TRUE(pair);
    EXPECT_EQ(pair->name, std::string(length, 'n'));
    EXPECT_EQ(pair->value, std::string(length, 'v'));
  }
  EXPECT_FALSE(reader.next());
  EXPECT_FALSE(reader.failed());
}

TEST(NameValues, StopsWhereThePairsBreakOff) {
  for (const auto& bytes : {"\x01"s,
                            "\x02\x01"
                            "ab"s,
                            "\x80\x00\x00"s, "\xff\xff\xff\xff\x01z"s, "\x01\xff\xff\xff\xffz"s}) {
    NameValueReader reader(bytes);
    EXPECT_FALSE(reader.next());
    EXPECT_TRUE(reader.failed());
    EXPECT_FALSE(reader.next());
  }
}

TEST(ParseNumber, TakesDecimalDigitsAlone) {
  EXPECT_EQ(parse_number("0"), 0U);
  EXPECT_EQ(parse_number("18446744073709551615"), UINT64_MAX);
  for (const char* text : {"", "-1", "+1", " 1", "1 ", "0x1", "1e3", "18446744073709551616"}) {
    EXPECT_FALSE(parse_number(text)) << text;
  }
  EXPECT_FALSE(parse_number("256", 255));
}

}  // namespace
}  // namespace mailorigin
