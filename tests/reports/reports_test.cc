// From what the services say to what is to be done.
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "reports/fields.h"
#include "reports/firewall_report.h"
#include "reports/policy_report.h"
#include "reports/remedies.h"
#include "reports/status_report.h"
#include "reports/store_access.h"
#include "tests/reports/samples.h"

namespace mailorigin::reports {
namespace {

using nlohmann::json;

// Part and beginning of each finding's text.
std::vector<std::pair<std::string, std::string>> found(const json& report) {
  std::vector<std::pair<std::string, std::string>> all;
  for (const json& each : array_at(report, "findings")) {
    EXPECT_FALSE(text_at(each, "remedy").empty()) << each;
    all.emplace_back(text_at(each, "part"), text_at(each, "text"));
  }
  EXPECT_EQ(flag_at(report, "well"), all.empty());
  return all;
}

// The only finding is of that part, and contains that text.
void expect_one(const json& report, const std::string& part, const std::string& text) {
  const auto all = found(report);
  ASSERT_EQ(all.size(), 1U) << report;
  EXPECT_EQ(all[0].first, part);
  EXPECT_NE(all[0].second.find(text), std::string::npos) << all[0].second;
}

TEST(StatusReport, Well) {
  const json report = status_report(observed(well_daemon));
  EXPECT_TRUE(found(report).empty());
  EXPECT_TRUE(flag_at(report, "well"));
}

TEST(StatusReport, TheDaemonIsNotThere) {
  const json report = status_report_without_daemon(Error{"/run/x: refused"});
  expect_one(report, "daemon", "/run/x: refused");
}

TEST(Remedies, GoByWhatIsWrong) {
  const auto says = [](const std::string& error, const std::string& words) {
    return remedy_of(Error{error}).find(words) != std::string::npos;
  };
  const std::string unreachable(daemon_unreachable);
  EXPECT_TRUE(says(unreachable + "/run/x: No such file or directory", "start httpd"));
  EXPECT_TRUE(says(unreachable + "/run/x: " + std::string(no_answer) + "5 s", "it hangs"));
  const auto gone = StoreAccess::open({}, "/nowhere/mail.db");
  ASSERT_FALSE(gone);
  EXPECT_TRUE(says(gone.error().message, "put it back")) << gone.error().message;
  EXPECT_TRUE(says(unreachable + "gone; and " + gone.error().message, "start httpd"));
  EXPECT_TRUE(says("this is not understood here", "older version"));
  EXPECT_EQ(remedy_of(Error{"SITE is required"}), "");
}

TEST(StatusReport, Httpd) {
  json daemon = well_daemon;
  daemon["httpd"]["connected"] = false;
  expect_one(status_report(observed(daemon)), "httpd", "not connected (/run/httpd.pid)");
  daemon.erase("policy");
  Observed without = observed(daemon);
  without.policy.reset();
  expect_one(status_report(without), "httpd", "never sent its configuration");
}

TEST(StatusReport, AnotherVersion) {
  json daemon = well_daemon;
  daemon["version"] = "9.9.9";
  expect_one(status_report(observed(daemon)), "daemon", "9.9.9");
}

TEST(StatusReport, WhatTheDaemonFinds) {
  json daemon = well_daemon;
  daemon["findings"].push_back(
      {{"since", "2026-11-22T00:00:01.000Z"}, {"error", true}, {"text", "MO0212: full"}});
  daemon["findings_count"] = 1;
  json report = status_report(observed(daemon));
  expect_one(report, "daemon", "MO0212: full (since 2026-11-22T00:00:01.000Z)");
  EXPECT_EQ(text_at(report["findings"][0], "remedy"),
            "free the disk of MailOriginStateDir (docs/messages.md, MO0212)");
  daemon["findings_count"] = 3;
  report = status_report(observed(daemon));
  ASSERT_EQ(found(report).size(), 2U);
  EXPECT_NE(found(report)[1].second.find("2 more findings"), std::string::npos);
}

TEST(StatusReport, LogsThatAreBehind) {
  json daemon = well_daemon;
  daemon["logs_behind"] = 3;
  daemon["logs"] = {
      {{"name", "/log/a"}, {"state", "catching-up"}, {"waiting", 5}},
      {{"name", "/log/b"}, {"state", "waiting"}, {"waiting", 0}},
      {{"name", "/log/c"}, {"state", "waiting"}, {"waiting", 2048}, {"reason", "disk"}}};
  expect_one(status_report(observed(daemon)), "logs",
             "/log/c: disk; its events wait in the journal, up to 2.0 KiB");
  // The daemon's own words about it are not repeated, those about others are.
  daemon["findings"].push_back({{"text", "MO0230: /log/c: disk; its events wait"}});
  daemon["findings_count"] = 1;
  expect_one(status_report(observed(daemon)), "logs", "/log/c: disk");
  daemon["findings"][0]["text"] = "MO0230: /log/a: disk; its events wait";
  EXPECT_EQ(found(status_report(observed(daemon))).size(), 2U);
}

TEST(StatusReport, LogsThatWaitForTheSameAreOneFinding) {
  json daemon = well_daemon;
  for (std::uint64_t i = 1; i <= 5; i++) {
    daemon["logs"].push_back({{"name", "/log/" + std::to_string(i)},
                              {"state", "waiting"},
                              {"waiting", i * 1024},
                              {"reason", "httpd has not opened it"}});
  }
  const json report = status_report(observed(daemon));
  expect_one(report, "logs",
             "/log/1, /log/2, /log/3 and 2 more: httpd has not opened it; their events wait in the "
             "journal, up to 5.0 KiB");
  EXPECT_EQ(text_at(report["findings"][0], "remedy"), "start httpd, or apachectl graceful");
  daemon["logs"][0]["reason"] = "disk";
  EXPECT_EQ(found(status_report(observed(daemon))).size(), 2U);
}

TEST(StatusReport, AStoreWhoseFileWasTakenAway) {
  json daemon = well_daemon;
  daemon["store"] = {{"wanted", true}, {"driver", "sqlite3"}, {"file", "/var/lib/x/mail.db"}};
  Observed host = observed(daemon);
  EXPECT_TRUE(found(status_report(host)).empty());
  host.store_is_missing = true;
  expect_one(status_report(host), "store", "/var/lib/x/mail.db is not there");
}

TEST(StatusReport, ALogThatWasDeleted) {
  json daemon = well_daemon;
  daemon["logs"] = {{{"name", "/log/a"},
                     {"state", "waiting"},
                     {"waiting", 10},
                     {"reason", "its file was deleted; `apachectl graceful` opens it anew"}}};
  daemon["findings"].push_back({{"text", "MO0236: /log/a was deleted: its events wait"}});
  daemon["findings_count"] = 1;
  const json report = status_report(observed(daemon));
  expect_one(report, "logs", "/log/a: its file was deleted");
  EXPECT_EQ(
      text_at(report["findings"][0], "remedy"),
      "apachectl graceful, which opens it anew and has it written; make its directory before, "
      "if that is gone, too");
}

TEST(StatusReport, TheJournalFillsUp) {
  json daemon = well_daemon;
  daemon["journal"]["waiting"] = 500;
  EXPECT_TRUE(found(status_report(observed(daemon))).empty());
  daemon["journal"]["waiting"] = 501;
  expect_one(status_report(observed(daemon)), "logs", "half full");
}

TEST(StatusReport, WhatIsToBeHeldAndIsRefused) {
  json daemon = well_daemon;
  Observed hosts = observed(daemon);
  hosts.policy->vhosts[0].send = Rule::hold;
  expect_one(status_report(hosts), "queue", "what Shop.example:80 would hold is refused");
  hosts.policy->queue.exim = true;
  hosts.daemon["queue"]["exim"] = {{"wanted", true}, {"holds", true}};
  EXPECT_TRUE(found(status_report(hosts)).empty());
  hosts.daemon["queue"]["exim"] = {
      {"wanted", true}, {"holds", false}, {"asked", "2026-11-20T00:00:00.000Z"}};
  const auto all = found(status_report(hosts));
  ASSERT_EQ(all.size(), 2U);
  EXPECT_NE(all[0].second.find("MailOriginEximSocket is set, and the mail server has not asked "
                               "since 2026-11-20T00:00:00.000Z"),
            std::string::npos);
}

TEST(StatusReport, Firewall) {
  json daemon = well_daemon;
  daemon["firewall"] = {{"wanted", true}, {"connected", true}, {"ring", true}};
  const auto report = [&](const Result<json>& answer) {
    return status_report(observed(daemon, FirewallMode::on, answer));
  };
  EXPECT_TRUE(found(report(well_firewall)).empty());
  expect_one(report(Error{"no such file"}), "firewall", "no such file");

  json other = well_firewall;
  other["mode"] = "observe";
  expect_one(report(other), "firewall", "'observe', and httpd.conf says 'on'");
  other = well_firewall;
  other["engine"] = "none";
  expect_one(report(other), "firewall", "nothing is enforced");
  other = well_firewall;
  other["version"] = "9.9.9";
  expect_one(report(other), "firewall", "9.9.9");
  other = well_firewall;
  other["findings"].push_back({{"text", "workers are older"}, {"remedy", "reload php-fpm"}});
  expect_one(report(other), "firewall", "workers are older");

  daemon["firewall"]["ring"] = false;
  expect_one(report(well_firewall), "firewall", "not attached");
  // nftables alone records nothing.
  other = well_firewall;
  other["engine"] = "nftables";
  EXPECT_TRUE(found(report(other)).empty());
}

TEST(StatusReport, FirewallThatWasTakenOut) {
  Observed gone = observed(well_daemon, FirewallMode::on, Error{"no such file"});
  expect_one(status_report(gone), "firewall", "what it may have loaded stays in force");
  gone.firewall_policy_is_kept = true;
  expect_one(status_report(gone), "firewall", "what it may have loaded stays in force");
  gone.firewall_policy_is_kept = false;
  expect_one(status_report(gone), "firewall",
             "it keeps no policy: it was taken out, or never loaded");
}

TEST(StatusReport, FirewallThatHasNotHeardOff) {
  Observed off = observed(well_daemon, FirewallMode::off, well_firewall);
  expect_one(status_report(off), "firewall",
             "in force, and httpd.conf says MailOriginFirewall Off");
  off.firewall = Error{"no such file"};
  EXPECT_TRUE(found(status_report(off)).empty());
  off.firewall_policy_is_kept = true;
  expect_one(status_report(off), "firewall", "does not run and has not heard");
}

TEST(StatusReport, AnAnswerWithoutSense) {
  for (const json& daemon :
       {json::object(), json{{"httpd", 7}, {"findings", "text"}, {"logs", {1, "two", nullptr}}},
        json{{"findings", {1, {{"text", 5}}}}, {"policy", "yes"}}}) {
    EXPECT_FALSE(flag_at(status_report(observed(daemon)), "well"));
  }
}

TEST(StatusReport, WeakHostsAreListedAndNothingToDo) {
  Observed weak = observed(well_daemon);
  for (int i = 0; i < 10; i++) {
    weak.policy->vhosts.emplace_back().name = "host" + std::to_string(i) + ":80";
  }
  const json report = status_report(weak);
  EXPECT_TRUE(flag_at(report, "well"));
  ASSERT_EQ(report["weak_vhosts"].size(), 1U);
  EXPECT_EQ(report["weak_vhosts"][0]["vhosts"].size(), 10U);
}

TEST(PolicyReport, ByNameInAnyCaseAndPort) {
  Policy policy = one_host();
  policy.vhosts.push_back(policy.vhosts[0]);
  policy.vhosts[1].name = "shop.example:443";
  EXPECT_EQ((*policy_report(policy, ""))["vhosts"].size(), 3U);
  EXPECT_EQ((*policy_report(policy, "SHOP.example"))["vhosts"].size(), 2U);
  EXPECT_EQ((*policy_report(policy, "shop.example:443"))["vhosts"].size(), 1U);
  EXPECT_EQ((*policy_report(policy, "server"))["vhosts"][0]["server"], true);
  EXPECT_FALSE(policy_report(policy, "shop.exampl"));
  EXPECT_FALSE(policy_report(policy, "shop.example:44"));
  // A virtual host stands before the server of the same name.
  policy.server.name = "shop.example:443";
  EXPECT_EQ((*policy_report(policy, "shop.example:443"))["vhosts"][0]["server"], false);
}

TEST(FirewallReport, WhatDiffersFromTheDefault) {
  Policy policy = one_host(FirewallMode::on);
  policy.firewall.uids = {4'000'000'000};
  EXPECT_TRUE(firewall_report(policy, well_firewall, false)["vhosts_that_differ"].empty());
  policy.vhosts[0].smtp.rule = SmtpRule::redirect;
  policy.vhosts[0].smtp.relay = {"192.0.2.1", std::nullopt, 25};
  const json report = firewall_report(policy, well_firewall, false);
  EXPECT_TRUE(flag_at(report, "well"));
  ASSERT_EQ(report["vhosts_that_differ"].size(), 1U);
  EXPECT_EQ(report["vhosts_that_differ"][0]["rule"], "redirect 192.0.2.1:25");
}

TEST(FirewallReport, WithoutOneOfTheTwo) {
  const Policy policy = one_host(FirewallMode::observe);
  EXPECT_FALSE(flag_at(firewall_report(policy, Error{"gone"}, false), "well"));
  const json without_daemon = firewall_report(Error{"gone"}, well_firewall, false);
  EXPECT_EQ(without_daemon["wanted"], "on");
  ASSERT_EQ(without_daemon["findings"].size(), 1U);
  EXPECT_EQ(text_at(without_daemon["findings"][0], "part"), "daemon");
  const json of_neither = firewall_report(Error{"gone"}, Error{"gone, too"}, false);
  EXPECT_EQ(of_neither["findings"].size(), 2U);
  EXPECT_FALSE(of_neither.contains("wanted"));
}

}  // namespace
}  // namespace mailorigin::reports
