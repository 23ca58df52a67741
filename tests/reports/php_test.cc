#include "reports/php.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "reports/fields.h"
#include "reports/host_facts.h"
#include "reports/probe.h"
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
  check_php(php_facts(daemon, one_host(), programs, {}), programs, findings);
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

TEST(Php, PoolsOfAConfigurationAndWhatItIncludes) {
  std::string root = "/tmp/mailorigin-test-XXXXXX";
  ASSERT_NE(mkdtemp(root.data()), nullptr);
  std::filesystem::create_directories(root + "/pool.d");
  std::ofstream(root + "/php-fpm.conf")
      << "; listen = no\n[global]\nlisten = no\ninclude=" << root << "/pool.d/*.conf\n";
  std::ofstream(root + "/pool.d/a.conf")
      << "[shop]\n user = \"$pool\"\nlisten = /run/$pool-$pool.sock\r\n"
         "php_admin_value[sendmail_path] = x\n[blog\nlisten=9000";
  std::ofstream(root + "/pool.d/b.conf") << "include = " << root << "/php-fpm.conf\n";
  const auto pools = fpm_pools(root + "/php-fpm.conf");
  std::filesystem::remove_all(root);
  ASSERT_GE(pools.size(), 2U);
  EXPECT_EQ(pools[0].name, "shop");
  EXPECT_EQ(pools[0].listen, "/run/shop-shop.sock");
  EXPECT_EQ(pools[0].user, "shop");
  EXPECT_EQ(pools[1].name, "blog");
  EXPECT_EQ(pools[1].listen, "9000");
  EXPECT_TRUE(fpm_pools(root + "/php-fpm.conf").empty());
}

TEST(Php, WhatAProcessHasLoaded) {
  EXPECT_EQ(extension_of("1-2 r-xp 0 8:1 7 /usr/lib/php/20220829/mailorigin.so\n"),
            Extension::loaded);
  EXPECT_EQ(extension_of("1-2 r-xp 0 8:1 7 /usr/lib/mailorigin.so (deleted)"), Extension::replaced);
  EXPECT_EQ(extension_of("1-2 r-xp 0 8:1 7 /usr/lib/mailorigin.so.old\n"), Extension::missing);
  EXPECT_EQ(extension_of("1-2 r-xp 0 8:1 7 /usr/lib/notmailorigin.so\n"), Extension::missing);
}

TEST(Php, AMasterThatIsOlderThanItsSettings) {
  const std::vector<PhpProgram> programs = {{"8.2", "fpm", true, true},
                                            {"8.4", "fpm", false, true}};
  const auto checked = [&](const char* configuration, Extension extension) {
    json findings = json::array();
    check_masters({{"php-fpm8.2", configuration, extension, {}}}, programs, findings);
    return findings;
  };
  const char* const debians = "/etc/php/8.2/fpm/php-fpm.conf";
  EXPECT_TRUE(checked(debians, Extension::loaded).empty());
  EXPECT_EQ(texts(checked(debians, Extension::missing)),
            std::vector<std::string>{"php-fpm8.2 (/etc/php/8.2/fpm/php-fpm.conf) runs without the "
                                     "extension, which its settings load by now"});
  EXPECT_EQ(checked(debians, Extension::replaced)[0]["remedy"], "systemctl restart php8.2-fpm");
  EXPECT_TRUE(checked("/etc/php/8.4/fpm/php-fpm.conf", Extension::missing).empty());
  EXPECT_TRUE(checked("/srv/own/php-fpm.conf", Extension::missing).empty());
}

TEST(Clock, ThatWasSetBack) {
  HostFacts facts;
  facts.now_ms = 1'795'869'296'789;
  json findings = json::array();
  check_clock(facts, "2026-11-28T12:35:30.000Z", findings);
  EXPECT_TRUE(findings.empty());
  check_clock(facts, "2026-11-28T13:00:00.000Z", findings);
  EXPECT_EQ(findings.size(), 1U);
}

TEST(Php, WhatAProbedPoolAnswers) {
  const std::string socket = "/run/mailorigin/mailorigin.sock";
  const auto word = [&](const json& said) {
    return probe_result("Content-Type: text/html\r\n\r\n" + said.dump(), socket).word;
  };
  const std::string warning = "mail(): Refused by MailOrigin: probe (event 1)";
  json well = {{"version", MAILORIGIN_VERSION},
               {"enabled", true},
               {"mail", true},
               {"socket", socket},
               {"sent", false},
               {"warning", warning}};
  EXPECT_EQ(word(well), "well");
  const struct {
    const char* member;
    json value;
    const char* result;
  } others[] = {{"version", false, "no-extension"},
                {"version", "0.0.1", "other-version"},
                {"enabled", false, "disabled"},
                {"mail", false, "no-mail"},
                {"socket", "/run/none/mailorigin.sock", "no-socket"},
                {"socket", "/tmp", "other-socket"},
                {"sent", true, "unanswered"},
                {"warning", "mail(): Refused by MailOrigin: unjudged", "off"},
                {"warning", "mail(): Refused by MailOrigin: late", "unanswered"}};
  for (const auto& each : others) {
    json said = well;
    said[each.member] = each.value;
    EXPECT_EQ(word(said), each.result) << each.member;
  }
  EXPECT_EQ(probe_result(Error{"refused"}, socket).word, "unreachable");
  EXPECT_EQ(probe_result(std::string("Status: 404 Not Found\r\n\r\nFile not found."), socket).text,
            "its PHP does not run the probe's script (Status: 404 Not Found): a chroot or "
            "open_basedir, or it is no PHP");
  for (const char* bytes : {"", "\r\n\r\n[]", "\r\n\r\n\xff", "\r\n\r\n{\"version\":"}) {
    EXPECT_EQ(probe_result(std::string(bytes), socket).word, "unseen");
  }
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
