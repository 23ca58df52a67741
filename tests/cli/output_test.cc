#include "cli/output.h"

#include <gtest/gtest.h>

#include "cli/fields.h"

namespace mailorigin {
namespace {

using nlohmann::json;

TEST(CliOutput, ColumnsAreAligned) {
  Table table;
  table.add({"A", "LONG", "C"});
  table.add({"aaa", "b", ""});
  table.add({"\xc3\xa4\xc3\xa4", "b", "c"});  // two characters, four bytes
  EXPECT_EQ(table.text(1),
            " A    LONG  C\n"
            " aaa  b\n"
            " \xc3\xa4\xc3\xa4   b     c\n");
}

TEST(CliOutput, NothingThatATerminalObeys) {
  Table table;
  table.add({"red \033[31m\nline", "\xff"});
  EXPECT_EQ(table.text(), "red \\x1b[31m line  \\xff\n");
  EXPECT_EQ(findings_text(json::array({{{"part", "\033"}, {"text", "a\nb"}, {"remedy", "\r"}}}),
                          Style(false)),
            "To do\n  1. \\x1b: a b\n     ->  \n");
}

TEST(CliOutput, ColourOnRequestAlone) {
  EXPECT_EQ(Style(false).good("well"), "well");
  EXPECT_EQ(Style(true).good("well"), "\033[32mwell\033[0m");
  EXPECT_EQ(findings_text(json::array(), Style(true)), "");
}

TEST(CliOutput, Sizes) {
  EXPECT_EQ(size_text(0), "0 bytes");
  EXPECT_EQ(size_text(1023), "1023 bytes");
  EXPECT_EQ(size_text(1024), "1.0 KiB");
  EXPECT_EQ(size_text(1ULL << 30), "1.0 GiB");
  EXPECT_EQ(size_text(700ULL << 20), "700 MiB");
}

TEST(CliFields, WhatIsMissingOrOfAnotherTypeIsNothing) {
  const json object = {
      {"text", "t"}, {"number", 7}, {"negative", -7}, {"flag", true}, {"list", {1}}};
  EXPECT_EQ(text_at(object, "text"), "t");
  EXPECT_EQ(text_at(object, "number"), "");
  EXPECT_EQ(text_at(object, "none"), "");
  EXPECT_EQ(number_at(object, "number"), 7U);
  EXPECT_EQ(number_at(object, "negative"), 0U);
  EXPECT_EQ(number_at(object, "text"), 0U);
  EXPECT_TRUE(flag_at(object, "flag"));
  EXPECT_FALSE(flag_at(object, "number"));
  EXPECT_EQ(array_at(object, "list").size(), 1U);
  EXPECT_TRUE(array_at(object, "text").empty());
  EXPECT_TRUE(member(json("text"), "text").is_null());
}

}  // namespace
}  // namespace mailorigin
