#include "mailorigind/judging/decision.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mailorigin::daemon {
namespace {

constexpr uid_t alone = 1001;    // runs one vhost
constexpr uid_t shared = 1002;   // runs two
constexpr uid_t unknown = 1003;  // runs none
constexpr uid_t quiet = 1004;    // runs one with MailOrigin Off

VhostPolicy vhost(std::uint32_t id, std::optional<std::uint32_t> run_as, bool enabled = true) {
  VhostPolicy vhost;
  vhost.id = id;
  vhost.name = "vhost" + std::to_string(id) + ":80";
  vhost.run_as = run_as;
  vhost.enabled = enabled;
  return vhost;
}

Policy make_policy() {
  Policy policy;
  policy.vhosts = {vhost(11, alone), vhost(21, shared), vhost(22, shared), vhost(41, quiet, false)};
  policy.vhosts[1].docroot = "/home/ann/shop";
  policy.vhosts[2].docroot = "/home/ann/blog";
  policy.index();
  return policy;
}

Context context_of(std::uint32_t vhost, std::uint8_t flags = 0) {
  Context context;
  context.tag.vhost_id = vhost;
  context.tag.flags = flags;
  return context;
}

TEST(Decision, JudgesAVerifiedContextByItsVhost) {
  const Policy policy = make_policy();
  const Context context = context_of(22);
  const Decision decision = decide({&context, ""}, unknown, "", policy);
  EXPECT_EQ(decision.policy->id, 22u);
  EXPECT_TRUE(decision.recorded);
  EXPECT_EQ(decision.reason, "");
}

TEST(Decision, JudgesWithoutAContextByTheUid) {
  const Policy policy = make_policy();
  EXPECT_EQ(decide({}, alone, "", policy).policy->id, 11u);
  EXPECT_EQ(decide({}, shared, "", policy).policy->id, 21u);
  EXPECT_EQ(decide({}, shared, "/home/ann/blog/cron.php", policy).policy->id, 22u);
  EXPECT_EQ(decide({}, alone, "/home/ann/blog/cron.php", policy).policy->id, 11u);
  EXPECT_EQ(decide({}, unknown, "", policy).policy->id, 0u);
}

TEST(Decision, KeepsTheReasonOfARefusedContextAndGoesByTheUid) {
  const Policy policy = make_policy();
  for (const std::string_view refusal :
       {"malformed", "unknown-key", "forged", "expired", "uid", "replayed"}) {
    const Decision decision = decide({nullptr, refusal}, alone, "", policy);
    EXPECT_EQ(decision.policy->id, 11u);
    EXPECT_EQ(decision.reason, refusal);
    EXPECT_TRUE(decision.recorded);
  }
}

TEST(Decision, FallsBackToTheServerForAVhostThatIsGone) {
  const Policy policy = make_policy();
  const Context context = context_of(99);
  const Decision decision = decide({&context, ""}, unknown, "", policy);
  EXPECT_EQ(decision.policy->id, 0u);
  EXPECT_TRUE(decision.ports.empty());
}

TEST(Decision, KeepingAContextOfAVhostThatIsGoneIsWorthNothing) {
  Policy policy = make_policy();
  const Context context = context_of(99);
  Decision decision = decide({&context, ""}, shared, "/home/ann/blog/cron.php", policy);
  EXPECT_EQ(decision.policy->id, 0u);
  ASSERT_EQ(decision.ports.size(), 1u);
  EXPECT_EQ(decision.ports[0]->id, 22u);
  EXPECT_TRUE(decide({&context, ""}, quiet, "", policy).ports.empty());
  policy.server.enabled = false;
  EXPECT_FALSE(decide({&context, ""}, unknown, "", policy).recorded);
  decision = decide({&context, ""}, alone, "", policy);
  EXPECT_TRUE(decision.recorded);
  EXPECT_EQ(decision.policy->id, 11u) << "the server has no log";
}

TEST(Decision, RecordsNothingWhereMailOriginIsOff) {
  const Policy policy = make_policy();
  const Context off = context_of(41);
  EXPECT_FALSE(decide({&off, ""}, unknown, "", policy).recorded);
  EXPECT_FALSE(decide({}, quiet, "", policy).recorded);
  EXPECT_TRUE(decide({}, alone, "", policy).recorded);
  // A context of the time when its vhost was off passes only while that is off.
  const Context before = context_of(11, ContextTag::pass);
  EXPECT_TRUE(decide({&before, ""}, unknown, "", policy).recorded);
  EXPECT_EQ(decide({nullptr, "uid", &before}, shared, "", policy).also->id, 11u);
}

TEST(Decision, APortWhereMailOriginIsOffDoesNotSpeakForItsSite) {
  Policy policy;
  policy.vhosts = {vhost(51, alone, false), vhost(52, alone), vhost(53, alone, false)};
  for (VhostPolicy& port : policy.vhosts) port.site = "shop.example";
  policy.index();
  const Decision decision = decide({}, alone, "", policy);
  EXPECT_EQ(decision.policy->id, 52u);
  EXPECT_TRUE(decision.recorded);
  EXPECT_TRUE(decision.ports.empty());
  // With a context it is known which port it is.
  const Context context = context_of(51);
  EXPECT_FALSE(decide({&context, ""}, alone, "", policy).recorded);
}

TEST(Decision, ComparesTheUidOfTheTagWithTheKernels) {
  Context context;
  const VhostPolicy anybodys = vhost(1, std::nullopt);
  for (const VhostPolicy* none : {&anybodys, static_cast<const VhostPolicy*>(nullptr)}) {
    context.tag.uid = ContextTag::any_uid;
    EXPECT_EQ(uid_refusal(context, 5, none), "");
    context.tag.uid = 5;
    EXPECT_EQ(uid_refusal(context, 5, none), "");
    EXPECT_EQ(uid_refusal(context, 6, none), "uid");
    context.tag.uid = 0;
    EXPECT_EQ(uid_refusal(context, 6, none), "uid");
  }
}

TEST(Decision, AHostThatHasGotAnotherUserIsNotItsFormerUsers) {
  VhostPolicy moved = vhost(1, 6);
  Context context;
  EXPECT_EQ(uid_refusal(context, 5, &moved), "") << "PHP inside httpd, where 6 is suexec's";
  moved.user = "moved";
  EXPECT_EQ(uid_refusal(context, 5, &moved), "uid");
  EXPECT_EQ(uid_refusal(context, 6, &moved), "");
  context.tag.uid = 5;
  EXPECT_EQ(uid_refusal(context, 5, &moved), "uid");
}

}  // namespace
}  // namespace mailorigin::daemon
