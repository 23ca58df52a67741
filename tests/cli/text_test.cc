// The reports as people read them.
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/firewall.h"
#include "cli/status.h"
#include "cli/top.h"
#include "reports/fields.h"
#include "reports/firewall_report.h"
#include "tests/reports/samples.h"

namespace mailorigin::cli {
namespace {

using nlohmann::json;
using namespace reports;

std::string shown(const Observed& observed) {
  return status_text(status_report(observed), Style(false));
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

void expect_fits(const std::string& text) {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    EXPECT_LE(end - begin, 80U) << text.substr(begin, end - begin);
    begin = end + 1;
  }
}

TEST(StatusText, Well) {
  EXPECT_EQ(shown(observed(well_daemon)),
            "httpd     well   connected, /run/httpd.pid\n"
            "daemon    well   mailorigind " MAILORIGIN_VERSION
            ", pid 7, since 2026-11-22T00:00:00.000Z, 1 virtual host\n"
            "logs      well   2 targets, 0 behind; 0 bytes of 1000 bytes wait in the journal\n"
            "store     well   off\n"
            "php       well   no program of /etc/php loads the extension\n"
            "queue     well   no mail server asks about what enters its queue\n"
            "firewall  well   off\n"
            "host      well   there is no /usr/sbin/sendmail; nothing synchronizes the clock\n");
}

TEST(StatusText, WhoAsksAboutTheMailServersQueue) {
  json daemon = well_daemon;
  daemon["queue"]["exim"] = {
      {"wanted", true}, {"holds", true}, {"asked", "2026-11-22T00:00:00.000Z"}};
  daemon["queue"]["milter"] = {{"wanted", true}, {"holds", false}};
  const std::string text = shown(observed(daemon));
  EXPECT_TRUE(has(text,
                  "queue     to do  a milter has not asked yet; Exim asked at "
                  "2026-11-22T00:00:00.000Z\n"))
      << text;
}

TEST(StatusText, NothingIsWellBeforeHttpdHasSaidWhatShallBe) {
  Observed observed;
  observed.daemon = well_daemon;
  observed.daemon.erase("policy");
  const std::string text = shown(observed);
  EXPECT_TRUE(has(text, "httpd     to do")) << text;
  EXPECT_TRUE(has(text, "daemon    well")) << text;
  for (const char* part : {"logs      ", "php       ", "queue     ", "firewall  "}) {
    EXPECT_TRUE(has(text, part + std::string("?      not known\n"))) << text;
  }
}

TEST(StatusText, HowFarTheStoresTablesAre) {
  json daemon = well_daemon;
  daemon["store"] = {{"wanted", true},
                     {"driver", "pgsql"},
                     {"retained_days", 1},
                     {"work", "its tables are brought from version 3 to 5, step 2 of 4"}};
  daemon["findings"] = json::array({{{"since", "x"}, {"text", "MO0284: the tables"}}});
  const std::string text = shown(observed(daemon));
  EXPECT_TRUE(has(text,
                  "store     to do  pgsql, 1 day; 0 bytes wait in the journal; its tables are "
                  "brought from version 3 to 5, step 2 of 4\n"))
      << text;
  EXPECT_TRUE(has(text, "store: MO0284: the tables (since x)")) << text;
}

TEST(StatusText, PhpWithAndWithoutTheExtension) {
  Observed mixed = observed(well_daemon);
  mixed.php = {{"8.2", "cli", true, true}, {"8.2", "fpm", true, true}, {"8.4", "fpm", false, true}};
  EXPECT_TRUE(has(shown(mixed),
                  "php       to do  the extension is loaded by 8.2 cli, 8.2 fpm; "
                  "not by 8.4 fpm\n"));
}

TEST(StatusText, PoolsAndWhatTheyAnswered) {
  Observed host = observed(well_daemon);
  host.masters = {
      {"php-fpm8.2", "/etc/php/8.2/fpm/php-fpm.conf", Extension::loaded, {{"shop", "/run/s", ""}}}};
  EXPECT_TRUE(has(shown(host),
                  "PHP-FPM\n"
                  "  EXTENSION  PHP-FPM                        POOLS\n"
                  "  loaded     /etc/php/8.2/fpm/php-fpm.conf  shop\n"));
  EXPECT_FALSE(has(shown(host), "A mail through each pool"));
  host.probes =
      std::vector<PoolProbe>{{"php-fpm8.2", {"shop", "/run/s", ""}, {"disabled", "it is off"}}};
  EXPECT_TRUE(has(shown(host),
                  "A mail through each pool\n"
                  "  RESULT    POOL  WHAT IT DID\n"
                  "  disabled  shop  it is off\n"));
  EXPECT_TRUE(has(shown(host), "php: pool shop (php-fpm8.2, /run/s): it is off"));
}

TEST(StatusText, TheDaemonIsNotThere) {
  const std::string text =
      status_text(status_report_without_daemon(Error{"/run/x: refused"}), Style(false));
  EXPECT_TRUE(has(text, "httpd     ?")) << text;
  EXPECT_TRUE(has(text, "/run/x: refused")) << text;
}

TEST(StatusText, WhoseLimitsWereSetBack) {
  json daemon = well_daemon;
  EXPECT_FALSE(has(shown(observed(daemon)), "Limits set back"));
  daemon["limit_resets"] = {
      {{"site", "shop.example"}, {"by", "alice"}, {"since", "2026-11-22T00:00:00.000Z"}}};
  EXPECT_TRUE(has(shown(observed(daemon)),
                  "Limits set back within a day\n"
                  "  shop.example, by alice at 2026-11-22T00:00:00.000Z\n"));
}

TEST(StatusText, ATableThatIsTooWideIsShownRowByRow) {
  Observed host = observed(well_daemon);
  host.masters = {{"php-fpm8.2",
                   "/etc/php/8.2/fpm/php-fpm.conf",
                   Extension::loaded,
                   {{"shop", "/run/s", ""}, {std::string(60, 'b'), "/run/b", ""}}}};
  const std::string text = status_text(status_report(host), Style(false, 80));
  EXPECT_TRUE(has(text,
                  "PHP-FPM\n"
                  "  loaded\n"
                  "    PHP-FPM  /etc/php/8.2/fpm/php-fpm.conf\n"
                  "    POOLS    shop, " +
                      std::string(60, 'b') + '\n'))
      << text;
}

TEST(StatusText, FindingsWithTheirRemedies) {
  json daemon = well_daemon;
  daemon["httpd"]["connected"] = false;
  const json report = status_report(observed(daemon));
  const std::string text = status_text(report, Style(false));
  for (const json& each : array_at(report, "findings")) {
    EXPECT_TRUE(has(text, text_at(each, "text"))) << text;
    EXPECT_TRUE(has(text, "-> " + text_at(each, "remedy"))) << text;
  }
  EXPECT_TRUE(has(text, "httpd     to do")) << text;
}

TEST(StatusText, TheFirewall) {
  json daemon = well_daemon;
  daemon["firewall"] = {{"wanted", true}, {"connected", true}, {"ring", true}};
  EXPECT_TRUE(has(shown(observed(daemon, FirewallMode::on, well_firewall)),
                  "firewall  well   on, engine bpf; denied 3"));
}

TEST(StatusText, AnAnswerWithoutSense) {
  for (const json& daemon :
       {json::object(), json{{"httpd", 7}, {"findings", "text"}, {"logs", {1, "two", nullptr}}},
        json{{"findings", {1, {{"text", 5}}}}, {"policy", "yes"}}}) {
    EXPECT_TRUE(has(shown(observed(daemon)), "To do"));
  }
}

TEST(StatusText, SomeOfManyHosts) {
  Observed weak = observed(well_daemon);
  for (int i = 0; i < 10; i++) {
    weak.policy->vhosts.emplace_back().name = "host" + std::to_string(i) + ":80";
  }
  EXPECT_TRUE(has(shown(weak), "host7:80 and 2 more"));
}

TEST(FirewallText, WhatDiffersFromTheDefault) {
  Policy policy = one_host(FirewallMode::on);
  policy.firewall.uids = {4'000'000'000};
  policy.vhosts[0].smtp.rule = SmtpRule::redirect;
  policy.vhosts[0].smtp.relay = {"192.0.2.1", std::nullopt, 25};
  const std::string text =
      firewall_text(firewall_report(policy, well_firewall, false), Style(false));
  for (const char* part : {"on, by bpf", "25 465 587", "root #4000000000", "denied  3",
                           "Shop.example:80  redirect 192.0.2.1:25"}) {
    EXPECT_TRUE(has(text, part)) << part << " in\n" << text;
  }
}

TEST(FirewallText, FitsATerminal) {
  Policy policy = one_host(FirewallMode::on);
  for (std::uint32_t uid = 4'000'000'000; uid < 4'000'000'020; uid++) {
    policy.firewall.uids.push_back(uid);
  }
  policy.vhosts[0].smtp.rule = SmtpRule::redirect;
  policy.vhosts[0].smtp.relay = {"2001:db8::1", std::nullopt, 25};
  for (const char* each : {"smtp.relay.example:587", "192.0.2.0/24:25", "mx.other.example"}) {
    policy.vhosts[0].smtp.allow.push_back(*parse_smtp_destination(each));
  }
  const json report = firewall_report(policy, well_firewall, false);
  expect_fits(firewall_text(report, Style(false, 80)));
  EXPECT_TRUE(has(firewall_text(report, Style(false)),
                  "Shop.example:80  redirect [2001:db8::1]:25  smtp.relay.example:587 "
                  "192.0.2.0/24:25 mx.other.example"))
      << firewall_text(report, Style(false));
}

TEST(FirewallText, WhatNobodyTellsIsNotKnown) {
  const std::string text =
      firewall_text(firewall_report(Error{"gone"}, Error{"gone, too"}, std::nullopt), Style(false));
  EXPECT_TRUE(has(text, "wanted  not known\n")) << text;
  EXPECT_FALSE(has(text, "ports")) << text;
}

TEST(TopText, FitsATerminalAndIsWholeWherePiped) {
  const std::string name = "/srv/customers/shop.example/htdocs/wp-content/uploads/2026/11/x.php";
  const json report = {
      {"since", "2026-11-28T11:00:00.000Z"},
      {"by", "script"},
      {"rows", json::array({{{"name", name}, {"mails", 123456789}, {"recipients", 123456789}}})}};
  EXPECT_TRUE(has(top_text(report, Style(false)), "  123456789  " + name + '\n'));
  const std::string fitted = top_text(report, Style(false, 80));
  expect_fits(fitted);
  EXPECT_TRUE(has(fitted, "..t/uploads/2026/11/x.php\n")) << fitted;
}

TEST(TopText, ConnectionsAreElsewhere) {
  const json report = {
      {"since", "2026-11-28T11:00:00.000Z"}, {"by", "vhost"}, {"rows", json::array()}};
  EXPECT_EQ(
      top_text(report, Style(false)),
      "No mail was sent or refused since 2026-11-28T11:00:00.000Z. Connections to SMTP ports do "
      "not count here: `mailorigin tail` has the last ones.\n");
}

}  // namespace
}  // namespace mailorigin::cli
