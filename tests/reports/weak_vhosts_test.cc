#include "reports/weak_vhosts.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mailorigin::reports {
namespace {

using Names = std::vector<std::string>;

VhostPolicy vhost(std::string name, std::optional<std::uint32_t> uid, bool enabled = true) {
  VhostPolicy made;
  made.site = name.substr(0, name.find(':'));
  made.name = std::move(name);
  made.run_as = uid;
  made.enabled = enabled;
  return made;
}

TEST(WeakVhosts, EachReasonOnce) {
  Policy policy;
  policy.vhosts = {vhost("a:80", 1001),         vhost("a:443", 1001),  // one site
                   vhost("b:80", 1002),         vhost("c:80", 1002),     vhost("root:80", 0),
                   vhost("httpd:80", 33),       vhost("unknown:80", {}), vhost("off:80", {}, false),
                   vhost("off:81", 1001, false)};
  policy.vhosts.emplace_back(vhost("lost:80", {})).run_as_fault = "/srv/lost: belongs to root";
  const auto found = find_weaknesses(policy, 33);
  ASSERT_EQ(found.size(), 5U);
  EXPECT_EQ(found[0].reason, "root");
  EXPECT_EQ(found[0].vhosts, Names{"root:80"});
  EXPECT_EQ(found[1].reason, "httpd-user");
  EXPECT_EQ(found[1].vhosts, Names{"httpd:80"});
  EXPECT_EQ(found[2].reason, "shared-uid");
  EXPECT_EQ(found[2].vhosts, (Names{"b:80", "c:80"}));
  EXPECT_EQ(found[3].reason, "no-run-as");
  EXPECT_EQ(found[3].vhosts, Names{"unknown:80"});
  EXPECT_EQ(found[4].reason, "no-owner");
  EXPECT_EQ(found[4].vhosts, Names{"lost:80"});
}

TEST(WeakVhosts, NoneWhereEachSiteHasItsUser) {
  Policy policy;
  policy.vhosts = {vhost("a:80", 1001), vhost("a:443", 1001), vhost("b:80", 1002)};
  EXPECT_TRUE(find_weaknesses(policy, 33).empty());
  EXPECT_TRUE(find_weaknesses(policy, std::nullopt).empty());
  EXPECT_EQ(find_weaknesses(policy, 1002).size(), 1U);
}

}  // namespace
}  // namespace mailorigin::reports
