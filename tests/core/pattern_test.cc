#include "core/pattern.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace mailorigin {
namespace {

bool matches(const std::string& expression, std::string_view subject) {
  bool gave_up = false;
  const auto pattern = Pattern::compile(expression);
  EXPECT_TRUE(pattern) << pattern.error().message;
  const bool found = pattern->matches(subject, gave_up);
  EXPECT_FALSE(gave_up);
  return found;
}

TEST(Pattern, IsNotAnchoredAndTakesBytes) {
  EXPECT_TRUE(matches("/uploads/", "/srv/shop/uploads/x.php"));
  EXPECT_FALSE(matches("^/uploads/", "/srv/shop/uploads/x.php"));
  EXPECT_TRUE(matches("^eval$", "eval"));
  EXPECT_TRUE(matches("\\xff", "a\xff"));
  EXPECT_TRUE(matches("", ""));
}

TEST(Pattern, SaysWhereAnExpressionGoesWrong) {
  const auto pattern = Pattern::compile("/a(b");
  ASSERT_FALSE(pattern);
  EXPECT_NE(pattern.error().message.find("'/a(b': missing closing parenthesis at byte 4"),
            std::string::npos)
      << pattern.error().message;
  EXPECT_FALSE(Pattern::compile(std::string(Pattern::length_limit + 1, 'a')));
}

TEST(Pattern, GivesUpInABoundedTimeAndForbidsThen) {
  const auto pattern = Pattern::compile("^(a+)+$");
  bool gave_up = false;
  EXPECT_TRUE(pattern->matches(std::string(60, 'a') + "!", gave_up));
  EXPECT_TRUE(gave_up);
}

}  // namespace
}  // namespace mailorigin
