#include "mod_mailorigin/php_values.h"

#include <gtest/gtest.h>

namespace mailorigin::httpd {
namespace {

using Values = std::vector<PhpValue>;

TEST(PhpValues, AreReadFromWhatGivesThemToRequests) {
  const PhpValue admin{"PHP_ADMIN_VALUE", "open_basedir=/srv"};
  EXPECT_EQ(php_values_of("SetEnv", {"PHP_ADMIN_VALUE", "open_basedir=/srv"}), Values{admin});
  EXPECT_EQ(php_values_of("setenv", {"php_admin_value", "open_basedir=/srv"}), Values{admin});
  EXPECT_EQ(php_values_of("SetEnvIf", {"Host", "x", "A=1", "PHP_ADMIN_VALUE=open_basedir=/srv"}),
            Values{admin});
  EXPECT_EQ(php_values_of("RewriteRule", {"^", "-", "[L,E=PHP_ADMIN_VALUE:open_basedir=/srv]"}),
            Values{admin});
  EXPECT_EQ(php_values_of("SetEnv", {"PHP_VALUE", "a=b"}), (Values{{"PHP_VALUE", "a=b"}}));
}

TEST(PhpValues, OfOtherDirectivesOrPutTogetherAreNotKnown) {
  EXPECT_EQ(php_values_of("SetEnv", {"PATH", "/bin"}), Values{});
  EXPECT_EQ(php_values_of("Header", {"PHP_VALUE", "a"}), Values{});
  EXPECT_EQ(php_values_of("SetEnvIf", {"Host", "(.*)", "PHP_VALUE=a=$1"}), Values{});
  EXPECT_EQ(php_values_of("RewriteRule", {"^(.*)", "-", "[E=PHP_VALUE:a=$1]"}), Values{});
  EXPECT_EQ(php_values_of("SetEnv", {}), Values{});
  EXPECT_TRUE(may_set_php_values("BrowserMatch"));
  EXPECT_FALSE(may_set_php_values("Alias"));
}

}  // namespace
}  // namespace mailorigin::httpd
