// What the mail servers print of their queues.
#include "reports/mail_queue.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "reports/held_mail.h"

namespace mailorigin::reports {
namespace {

TEST(PostfixQueue, HasWhatIsOnHold) {
  const auto messages = read_postfix_queue(
      R"({"queue_name": "hold", "queue_id": "4F2A", "arrival_time": 1795879862, "message_size": 317, "forced_expire": false, "sender": "me@shop.example", "recipients": [{"address": "a@b.example"}, {"address": "c@d.example", "delay_reason": "x"}]})"
      "\n"
      R"({"queue_name": "deferred", "queue_id": "4F2B", "arrival_time": 1, "sender": "x", "recipients": []})"
      "\nnot json\n[]\n"
      R"({"queue_name": "hold", "queue_id": "4F2C", "arrival_time": 2, "sender": "MAILER-DAEMON", "recipients": []})");
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_EQ(messages[0].queue_id, "4F2A");
  EXPECT_EQ(messages[0].sender, "me@shop.example");
  EXPECT_EQ(messages[0].recipients, (std::vector<std::string>{"a@b.example", "c@d.example"}));
  EXPECT_EQ(messages[0].since_ms, 1795879862000U);
  EXPECT_EQ(messages[1].sender, "");
}

TEST(EximQueue, HasWhatIsFrozen) {
  const auto messages = read_exim_queue(
      " 0m   367 1xXKOD-0006aL-2c <me@shop.example>\n"
      "          to@example.org\n\n"
      " 3h  1.1K 1xXKOD-0006aS-2v <> *** frozen ***\n"
      "          ann@origin.invalid\n"
      "        D done@origin.invalid\n\n"
      "25d    1M 1xXKOE-0006aZ-0D <a b@c> *** frozen ***\n"
      "          x@y.example\n",
      30ULL * 86'400'000);
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_EQ(messages[0].queue_id, "1xXKOD-0006aS-2v");
  EXPECT_EQ(messages[0].sender, "");
  EXPECT_EQ(messages[0].recipients,
            (std::vector<std::string>{"ann@origin.invalid", "done@origin.invalid"}));
  EXPECT_EQ(messages[0].since_ms, 30ULL * 86'400'000 - 3 * 3'600'000);
  EXPECT_EQ(messages[1].sender, "a b@c");
  EXPECT_EQ(messages[1].since_ms, 5ULL * 86'400'000);
}

TEST(EximQueue, OfAnythingElseNothing) {
  for (const char* text : {"", "\n\n", "garbage\n", " 0m 1 id *** frozen ***\n", "x\n  D \n"}) {
    EXPECT_TRUE(read_exim_queue(text, 0).empty()) << text;
  }
}

TEST(HeldFilter, TakesWhatIsMeant) {
  HeldMail held;
  held.message.queue_id = "4F2A";
  held.event.set(Field::id, "01A");
  held.event.set(Field::site, "shop.example");
  held.event.set(Field::vhost, "shop.example:443");
  held.event.set(Field::entry, "/srv/shop/a.php");
  EXPECT_TRUE((HeldFilter{}.takes(held)));
  EXPECT_TRUE((HeldFilter{{"x", "01A"}, "", ""}.takes(held)));
  EXPECT_TRUE((HeldFilter{{"4F2A"}, "shop.example", "/srv/shop/a.php"}.takes(held)));
  EXPECT_TRUE((HeldFilter{{}, "shop.example:443", ""}.takes(held)));
  EXPECT_FALSE((HeldFilter{{"01B"}, "shop.example", ""}.takes(held)));
  EXPECT_FALSE((HeldFilter{{}, "blog.example", ""}.takes(held)));
  EXPECT_FALSE((HeldFilter{{}, "", "/srv/shop/b.php"}.takes(held)));
}

TEST(HeldFilter, TrustsNoSenderThatNamesANeighboursScript) {
  const HeldFilter filter{{}, "", "/srv/shop/a.php"};
  HeldMail held;
  held.event.set(Field::uid, "1001");
  for (const Field field : {Field::entry, Field::file}) held.event.set(field, "/srv/shop/a.php");
  held.event.set(Field::caller, "/srv/shop/a.php:3");
  EXPECT_TRUE(filter.takes(held));
  EXPECT_FALSE(filter.trusts(held)) << "a claim alone";
  EXPECT_TRUE(HeldFilter{}.trusts(held)) << "not asked for by its script";
  held.event.set(Field::verified, true);
  EXPECT_TRUE(filter.trusts(held)) << "what httpd was asked for";
  held.event.set(Field::entry, "/srv/blog/b.php");
  held.event.set(Field::docroot, "/srv/blog");
  EXPECT_TRUE(filter.takes(held));
  EXPECT_FALSE(filter.trusts(held)) << "a neighbour's request that says who called";
  held.event.set(Field::docroot, "/srv/shop");
  EXPECT_TRUE(filter.trusts(held));
}

}  // namespace
}  // namespace mailorigin::reports
