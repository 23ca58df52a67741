#include "reports/directives.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace mailorigin::reports {
namespace {

TEST(Directives, ArgumentsAsHttpdReadsThemBack) {
  EXPECT_EQ(quoted_argument("plain%{id}"), "plain%{id}");
  EXPECT_EQ(quoted_argument(""), R"("")");
  EXPECT_EQ(quoted_argument("two words"), R"("two words")");
  EXPECT_EQ(quoted_argument(R"(\.php$)"), R"("\\.php$")");
  EXPECT_EQ(quoted_argument(R"(a"b)"), R"("a\"b")");
  EXPECT_EQ(quoted_argument("it's"), R"("it's")");
}

TEST(Directives, LimitsWithoutWhatIsTheDefault) {
  constexpr std::uint64_t second = 1'000'000'000;
  LimitRule limit;
  limit.rate = {5, second, 5};
  EXPECT_EQ(limit_text(limit), "5/second");
  limit.rate = {5, 60 * second, 6};
  limit.per = LimitRule::Per::uid;
  EXPECT_EQ(limit_text(limit), "5/minute burst=6 per=uid");
  limit.rate = {5, 3600 * second, 5};
  limit.per = LimitRule::Per::script;
  limit.count = LimitRule::Count::recipients;
  EXPECT_EQ(limit_text(limit), "5/hour per=script count=recipients");
  limit.rate.period_ns = 86400 * second;
  limit.action = Rule::observe;
  EXPECT_EQ(limit_text(limit), "5/day per=script count=recipients action=observe");
}

TEST(Directives, AHostWithNothingOfItsOwn) {
  const Policy policy;
  EXPECT_EQ(vhost_directives(policy, policy.server),
            (std::vector<std::string>{
                "MailOrigin On", "MailOriginStrict On", "MailOriginLog none",
                "MailOriginHeader none", "MailOriginSend allow", "MailOriginDenyScript none",
                "MailOriginLimit none", "MailOriginMaxRecipients none", "MailOriginSender any",
                "MailOriginSmtp deny", "MailOriginSmtpAllow none", "MailOriginSmtpLocal observe"}));
}

TEST(Directives, TheServers) {
  Policy policy;
  policy.unverified = Rule::observe;
  policy.firewall.mode = FirewallMode::on;
  policy.firewall.ports = {25};
  policy.firewall.uids = {0, 4'000'000'000};
  policy.firewall.gids = {0, 4'000'000'001};
  policy.queue.trusted_uids = {0};
  EXPECT_EQ(server_directives(policy),
            (std::vector<std::string>{
                "MailOriginUnverified observe", "MailOriginFirewall On", "MailOriginSmtpPorts 25",
                "MailOriginSmtpUsers root #4000000000 @root @#4000000001",
                "MailOriginUnrecorded observe", "MailOriginTrustedSubmitters root",
                "MailOriginStore sqlite3 <state dir>/mail.db", "MailOriginRetain 30d"}));
  policy.store = {true, "pgsql", "host=db dbname=mail", 7};
  EXPECT_EQ(server_directives(policy).at(6), "MailOriginStore pgsql \"host=db dbname=mail\"");
  EXPECT_EQ(server_directives(policy).at(7), "MailOriginRetain 7d");
  policy.store.enabled = false;
  EXPECT_EQ(server_directives(policy).back(), "MailOriginStore Off");
}

}  // namespace
}  // namespace mailorigin::reports
