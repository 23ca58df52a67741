#include "fpm_plugin/shell_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mailorigin::php {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(ShellWords, SplitsAtBlanksOutsideQuotes) {
  EXPECT_THAT(shell_words(" -t\t-i\n-fme@x "), ElementsAre("-t", "-i", "-fme@x"));
  EXPECT_THAT(shell_words("-f 'a b' -F \"c d\"e"), ElementsAre("-f", "a b", "-F", "c de"));
  EXPECT_THAT(shell_words("-f ''"), ElementsAre("-f", ""));
  EXPECT_THAT(shell_words("  "), IsEmpty());
}

TEST(ShellWords, ReadsBackslashesAsTheShellDoes) {
  EXPECT_THAT(shell_words("-f\\ a me\\@x \\\\-f"), ElementsAre("-f a", "me@x", "\\-f"));
  EXPECT_THAT(shell_words("X\\\n-f"), ElementsAre("X-f"));
  // Between double quotes only some characters can be escaped, between single ones none.
  EXPECT_THAT(shell_words("\"a\\;b\\\"c\\\\d\\$\" 'e\\'f"), ElementsAre("a\\;b\"c\\d$", "e\\f"));
  EXPECT_THAT(shell_words("a\\"), ElementsAre("a\\"));
}

TEST(ShellWords, FindsTheOptionsBehindAnOperator) {
  EXPECT_THAT(shell_words("tee /tmp/x|sendmail -t -f a@x 2>/dev/null"),
              ElementsAre("tee", "/tmp/x", "sendmail", "-t", "-f", "a@x", "2", "/dev/null"));
}

}  // namespace
}  // namespace mailorigin::php
