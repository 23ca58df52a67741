#include "reports/limits_report.h"

#include <gtest/gtest.h>

#include <string>

namespace mailorigin::reports {
namespace {

TEST(LimitFacts, TimesAreSecondsThatHaveBegun) {
  SiteLimits limits;
  ShownLimit limit;
  limit.rule.rate = {5, 60'000'000'000, 9};
  limit.counted.push_back({{LimitSubject::Kind::docroot, 0, "/srv/x"}, {3, 1, 1'000'000'001}});
  limits.limits.push_back(limit);
  const auto facts = limit_facts("shop.example", limits);
  EXPECT_EQ(facts["limits"][0]["directive"], "MailOriginLimit 5/minute burst=9");
  EXPECT_FALSE(facts["limits"][0].contains("place"));
  EXPECT_FALSE(facts.contains("reset"));
  const auto& counted = facts["limits"][0]["counted"][0];
  EXPECT_EQ(counted["of"], "docroot");
  EXPECT_EQ(counted["name"], "/srv/x");
  EXPECT_EQ(counted["next_in"], 1);
  EXPECT_EQ(counted["whole_in"], 2);
}

}  // namespace
}  // namespace mailorigin::reports
