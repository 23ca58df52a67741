#include "reports/known_name.h"

#include <gtest/gtest.h>

#include "core/policy.h"
#include "reports/policy_report.h"
#include "tests/reports/samples.h"

namespace mailorigin::reports {
namespace {

Policy with_alias() {
  Policy policy = one_host();
  policy.vhosts[0].aliases = {"www.shop.example", "*.shop.test"};
  VhostPolicy other = policy.vhosts[0];
  other.name = "shop.example:443";
  other.aliases.clear();
  policy.vhosts.push_back(other);
  return policy;
}

TEST(KnownName, IsWhatEventsHave) {
  const Policy policy = with_alias();
  for (const char* name : {"SHOP.example", "www.shop.example", "DE.shop.test"}) {
    EXPECT_EQ(known_name(policy, name), "shop.example") << name;
  }
  EXPECT_EQ(known_name(policy, "shop.example:80"), "Shop.example:80");
  EXPECT_EQ(known_name(policy, "gone.example:80"), "gone.example:80");
  EXPECT_EQ(known_name(policy, ""), "");
}

TEST(KnownName, IsThePolicysToo) {
  const Policy policy = with_alias();
  const auto vhosts = [&](const char* name) {
    const auto report = policy_report(policy, name);
    return report ? (*report)["vhosts"].size() : 0;
  };
  EXPECT_EQ(vhosts("www.shop.example"), 2U);
  EXPECT_EQ(vhosts("shop.example:443"), 1U);
  EXPECT_EQ(vhosts("server"), 1U);
  EXPECT_EQ(vhosts("gone.example"), 0U);
}

}  // namespace
}  // namespace mailorigin::reports
