#include "reports/php.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "reports/fields.h"
#include "tests/reports/samples.h"

namespace mailorigin::reports {
namespace {

using nlohmann::json;

std::vector<std::string> texts(const json& findings) {
  std::vector<std::string> found;
  for (const json& each : findings) {
    EXPECT_EQ(text_at(each, "part"), "php");
    EXPECT_FALSE(text_at(each, "remedy").empty());
    found.push_back(text_at(each, "text"));
  }
  return found;
}

json checked(const json& daemon, const std::vector<PhpProgram>& programs = {}) {
  json findings = json::array();
  check_php(php_facts(daemon, one_host(), programs), programs, findings);
  return findings;
}

TEST(Php, ProgramsOfADebianHost) {
  std::string root = "/tmp/mailorigin-test-XXXXXX";
  ASSERT_NE(mkdtemp(root.data()), nullptr);
  for (const char* directory : {"7.4/mods-available", "7.4/fpm/conf.d", "8.2/mods-available",
                                "8.2/cli/conf.d", "8.2/fpm/conf.d", "8.2/fpm/pool.d"}) {
    std::filesystem::create_directories(root + '/' + directory);
  }
  for (const char* file :
       {"8.2/mods-available/mailorigin.ini", "8.2/fpm/conf.d/20-mailorigin.ini", "note"}) {
    std::ofstream(root + '/' + file) << '\n';
  }
  const auto found = php_programs(root);
  std::filesystem::remove_all(root);
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].version + found[0].sapi, "7.4fpm");
  EXPECT_FALSE(found[0].enabled || found[0].can_enable);
  EXPECT_EQ(found[1].version + found[1].sapi, "8.2cli");
  EXPECT_TRUE(!found[1].enabled && found[1].can_enable);
  EXPECT_EQ(found[2].version + found[2].sapi, "8.2fpm");
  EXPECT_TRUE(found[2].enabled);
  EXPECT_TRUE(php_programs(root).empty());
}

TEST(Php, ProgramsCountOnceOneLoadsItOrSomebodyIsMissed) {
  const PhpProgram fpm7{"7.4", "fpm", false, false};
  const PhpProgram apache{"8.2", "apache2", false, true};
  const PhpProgram fpm8{"8.2", "fpm", true, true};
  EXPECT_TRUE(checked(well_daemon, {fpm7, apache}).empty()) << "loaded in another way";
  const json found = checked(well_daemon, {fpm7, apache, fpm8});
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(text_at(found[1], "text"),
            "PHP 8.2 (apache2) does not load the extension: no *mailorigin.ini in "
            "/etc/php/8.2/apache2/conf.d");
  EXPECT_EQ(text_at(found[1], "remedy"),
            "phpenmod -v 8.2 -s apache2 mailorigin && systemctl restart apache2");
  EXPECT_TRUE(text_at(found[0], "remedy").starts_with("install the extension for PHP 7.4"));
  EXPECT_TRUE(text_at(found[0], "remedy")
                  .ends_with("phpenmod -v 7.4 -s fpm mailorigin && systemctl restart php7.4-fpm"));
  json daemon = well_daemon;
  daemon["php"] = {{"silent_count", 1}, {"silent", {{{"vhost", "a:80"}, {"requests", 1}}}}};
  EXPECT_EQ(texts(checked(daemon, {apache})).size(), 2U);
}

TEST(Php, WhoNeverAsked) {
  json daemon = well_daemon;
  json& silent = daemon["php"]["silent"];
  for (int i = 1; i <= 6; i++) {
    silent.push_back({{"vhost", "host" + std::to_string(i) + ":80"}, {"requests", 10 * i}});
  }
  daemon["php"]["silent_count"] = 20;
  EXPECT_EQ(texts(checked(daemon)),
            (std::vector<std::string>{
                "10 requests of host1:80, 20 of host2:80, 30 of host3:80, 40 of host4:80 and of 16 "
                "more virtual hosts, and their PHP never asked: it runs without the extension, or "
                "does not reach the daemon"}));
}

TEST(Php, AWrongUserIsNamedBesideTheRightOne) {
  json daemon = well_daemon;
  daemon["php"]["other_users"] = {{{"vhost", "Shop.example:80"}, {"uid", 4'000'000'001}},
                                  {{"vhost", "gone.example:80"}, {"uid", 1}}};
  const json found = checked(daemon);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(text_at(found[0], "text"),
            "Shop.example:80 is said to run as #4000000000, and its PHP runs as #4000000001: none "
            "of its mail is verified (reason=uid)");
  EXPECT_NE(text_at(found[0], "remedy").find("MailOriginRunAs #4000000001"), std::string::npos);
}

}  // namespace
}  // namespace mailorigin::reports
