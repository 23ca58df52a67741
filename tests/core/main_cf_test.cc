#include "core/mail/main_cf.h"

#include <gtest/gtest.h>

#include <optional>

namespace mailorigin {
namespace {

TEST(MainCf, SaysWhatItSaysLast) {
  constexpr const char* text =
      "# myorigin = a\n"
      "myorigin=b\n"
      "myorigin_x = c\n"
      "\tmyorigin = d\n"
      "other = \n"
      "myorigin\t =  $mydomain \r\n"
      "# within\n"
      "\n"
      "  more\n"
      "myhostname =\n";
  EXPECT_EQ(main_cf_setting(text, "myorigin"), "$mydomain more");
  EXPECT_EQ(main_cf_setting(text, "myhostname"), "");
  EXPECT_EQ(main_cf_setting(text, "other"), "");
  EXPECT_EQ(main_cf_setting(text, "mydomain"), std::nullopt);
  EXPECT_EQ(main_cf_setting("no line", "no line"), std::nullopt);
  EXPECT_EQ(main_cf_setting(" goes on\nx = y", "x"), "y");
}

}  // namespace
}  // namespace mailorigin
