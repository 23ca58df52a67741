#include "cli/output.h"

#include <gtest/gtest.h>

#include <string>

namespace mailorigin::cli {
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

TEST(CliOutput, LinesFitTheTerminal) {
  EXPECT_EQ(Style(false).lines("one two three", 2, 3), "  one two three\n");
  EXPECT_EQ(Style(false, 9).lines("one two three", 2, 3), "  one two\n     three\n");
  EXPECT_EQ(Style(false, 8).lines("one two three", 2, 0), "  one\n  two\n  three\n");
  EXPECT_EQ(Style(false, 4).lines("longer than that", 0, 0), "longer\nthan\nthat\n");
  EXPECT_EQ(Style(false, 9).lines("one   longer-than-that x", 2, 6),
            "  one   longer-than-that\n        x\n");
  EXPECT_EQ(Style(false, 9).lines("", 2, 3), "  \n");
  EXPECT_EQ(Style(false, 12).after("\033[32mok\033[0m  ", 4, "one two three"),
            "\033[32mok\033[0m  one two\n    three\n");
}

TEST(CliOutput, ATerminalBreaksNoLineByItself) {
  // Blanks that are none of ASCII's, and letters that are twice as wide.
  EXPECT_EQ(Style(false, 9).lines("aaaaa\xc2\xa0"
                                  "bbbbb",
                                  2, 2),
            "  aaaaa\xc2\xa0"
            "b\n    bbbb\n");
  EXPECT_EQ(Style(false, 8).lines("\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2", 2, 1),
            "  \xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\n   \xe6\xbc\xa2\n");
  // Without a terminal nobody does.
  EXPECT_EQ(Style(false).lines("aaaaa\xc2\xa0"
                               "bbbbb",
                               2, 2),
            "  aaaaa\xc2\xa0"
            "bbbbb\n");
}

TEST(CliOutput, ATablesLastColumnFitsTheTerminal) {
  Table table;
  table.add({"N", "PATH"});
  table.add({"1", "/srv/shop/a.php"});
  table.add({"12", "/srv/\xc3\xa4/index.php"});
  const std::string whole = "N   PATH\n1   /srv/shop/a.php\n12  /srv/\xc3\xa4/index.php\n";
  EXPECT_EQ(table.cut(Style(false)), whole);
  EXPECT_EQ(table.cut(Style(false, 20)), whole);
  EXPECT_EQ(table.cut(Style(false, 17)), "N   PATH\n1   ../shop/a.php\n12  ..\xc3\xa4/index.php\n");
  EXPECT_EQ(table.cut(Style(false, 1)), "N   PATH\n1   ..op/a.php\n12  ..ndex.php\n");
}

TEST(CliOutput, WhatHasNoRoomGoesOnBelow) {
  Table table;
  table.add({"ports", "25 465 587"});
  table.add({"always", "root postfix"});
  EXPECT_EQ(table.wrapped(Style(false)), table.text());
  EXPECT_EQ(table.wrapped(Style(false, 14)),
            "ports   25 465\n        587\nalways  root\n        postfix\n");
  EXPECT_EQ(table.wrapped(Style(false), 2), table.text(2));
  EXPECT_EQ(table.wrapped(Style(false, 16), 2),
            "  ports   25 465\n          587\n  always  root\n          postfix\n");
}

TEST(CliOutput, ColourOnRequestAlone) {
  EXPECT_EQ(Style(false).good("well"), "well");
  EXPECT_EQ(Style(true).good("well"), "\033[32mwell\033[0m");
  EXPECT_EQ(findings_text(json::array(), Style(true)), "");
}

}  // namespace
}  // namespace mailorigin::cli
