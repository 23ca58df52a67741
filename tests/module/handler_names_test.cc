#include "mod_mailorigin/handler_names.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace mailorigin::httpd {
namespace {

using namespace std::string_view_literals;

std::string names_in(std::string_view code) {
  std::string out;
  each_handler_name(code, [&](std::string_view name) { out.append(name) += ' '; });
  return out;
}

TEST(HandlerNames, AreWholeStrings) {
  EXPECT_EQ(names_in("server-status\0qos-console\0"sv), "server-status qos-console ");
  EXPECT_EQ(names_in("\0\0a_b.c9\0\x01md-status\0"sv), "a_b.c9 ");
  EXPECT_EQ(names_in("no end"sv), "");
  EXPECT_EQ(names_in(""sv), "");
}

TEST(HandlerNames, AreNoTextsAndNoContentTypes) {
  EXPECT_EQ(names_in("a text\0%s\0text/html\0[P]\0\xc3\xa4\xc3\xa4\0"sv), "");
  EXPECT_EQ(names_in("ab\0abc\0"sv), "abc ");
  EXPECT_EQ(names_in(std::string(64, 'x') + '\0'), std::string(64, 'x') + ' ');
  EXPECT_EQ(names_in(std::string(65, 'x') + '\0'), "");
}

}  // namespace
}  // namespace mailorigin::httpd
