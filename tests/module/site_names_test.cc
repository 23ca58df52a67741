#include "mod_mailorigin/site_names.h"

#include <gtest/gtest.h>

#include <string>

namespace mailorigin::httpd {
namespace {

std::string name(const std::string& site) { return path_of_site("%{site}", site); }

TEST(SiteNames, StandInAPath) {
  EXPECT_EQ(path_of_site("/var/log/%{site}.log", "shop.example"), "/var/log/shop.example.log");
  EXPECT_EQ(path_of_site("/l/%{site}/%{site}.log", "a"), "/l/a/a.log");
  EXPECT_EQ(path_of_site("/l/100%.log", "a"), "/l/100%.log");
  // What a name becomes is not looked at once more.
  EXPECT_EQ(path_of_site("/l/%{site}", "%{site}"), "/l/%25%7bsite%7d");
}

TEST(SiteNames, StayInTheirDirectory) {
  EXPECT_EQ(name("xn--shop-7qa.example"), "xn--shop-7qa.example");
  EXPECT_EQ(name(".."), "%2e.");
  EXPECT_EQ(name("."), "%2e");
  EXPECT_EQ(name(".hidden"), "%2ehidden");
  EXPECT_EQ(name("../../etc/cron.d/x"), "%2e.%2f..%2fetc%2fcron.d%2fx");
  EXPECT_EQ(name("*.shop.example"), "%2a.shop.example");
  EXPECT_EQ(name("[2001:db8::1]"), "%5b2001%3adb8%3a%3a1%5d");
  EXPECT_EQ(name(std::string("a\0\n\xff", 4)), "a%00%0a%ff");
  EXPECT_EQ(name(""), "%");
}

TEST(SiteNames, AreOneSitesAlone) {
  EXPECT_NE(name("a/b"), name("a%2fb"));
  EXPECT_NE(name(".a"), name("%2ea"));
  EXPECT_NE(name(""), name("%"));
}

TEST(SiteNames, AreShortEnoughForAFile) {
  const std::string long_name(120, 'a');
  EXPECT_EQ(name(long_name), long_name);
  EXPECT_EQ(name(long_name + 'a').substr(0, 50), std::string(48, 'a') + "%-");
  EXPECT_EQ(name(long_name + 'a').size(), 114U);
  EXPECT_NE(name(long_name + 'a'), name(long_name + 'b'));
  EXPECT_EQ(name(std::string(8000, '/')).size(), 114U);
}

TEST(SiteNames, AreAllThatAPathMayHold) {
  EXPECT_TRUE(check_placeholders("/l/%{site}-%{site}.log"));
  EXPECT_TRUE(check_placeholders("/l/50%.log"));
  for (const char* path : {"/l/%{vhost}.log", "/l/%{site", "/l/%{site}%{", "/l/%{Site}"}) {
    EXPECT_FALSE(check_placeholders(path)) << path;
  }
}

}  // namespace
}  // namespace mailorigin::httpd
