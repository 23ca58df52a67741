#include "reports/missing_users.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>

#include "reports/fields.h"

namespace mailorigin::reports {
namespace {

VhostPolicy vhost(std::string name, std::string user, std::optional<std::uint32_t> uid) {
  VhostPolicy made;
  made.name = std::move(name);
  made.user = std::move(user);
  made.run_as = uid;
  return made;
}

// This machine's only user.
std::optional<std::uint32_t> uid_of(const std::string& user) {
  if (user == "alice") return 1001;
  return std::nullopt;
}

TEST(MissingUsers, WhoIsThereIsNotMissed) {
  Policy policy;
  policy.vhosts = {vhost("a:80", "alice", 1001), vhost("b:80", "", 1002), vhost("c:80", "", {}),
                   vhost("off:80", "gone", {})};
  policy.vhosts[3].enabled = false;
  EXPECT_TRUE(find_missing_users(policy, uid_of).empty());
}

TEST(MissingUsers, AreNamedWithTheirHosts) {
  Policy policy;
  policy.vhosts = {vhost("before:80", "gone", {}), vhost("since:80", "bob", 1003),
                   vhost("created:80", "alice", {}), vhost("other:80", "alice", 1004)};
  nlohmann::json findings = nlohmann::json::array();
  check_users(find_missing_users(policy, uid_of), findings);
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_EQ(text_at(findings[0], "text"),
            "MailOriginRunAs names a user that this machine does not have, of before:80 (gone), "
            "since:80 (bob)");
  EXPECT_EQ(text_at(findings[1], "text"),
            "MailOriginRunAs names a user that has been created, or has got another uid, since "
            "httpd read it, of created:80 (alice), other:80 (alice)");
}

TEST(MissingUsers, TenThousandMakeOneSentence) {
  Policy policy;
  for (int i = 0; i < 10'000; i++) policy.vhosts.push_back(vhost("a:80", "gone", {}));
  int lookups = 0;
  nlohmann::json findings = nlohmann::json::array();
  check_users(find_missing_users(policy,
                                 [&](const std::string&) -> std::optional<std::uint32_t> {
                                   lookups++;
                                   return std::nullopt;
                                 }),
              findings);
  EXPECT_EQ(lookups, 1);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_NE(text_at(findings[0], "text").find("and of 9992 more virtual hosts"), std::string::npos);
}

}  // namespace
}  // namespace mailorigin::reports
