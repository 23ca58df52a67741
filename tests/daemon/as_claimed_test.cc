#include "mailorigind/queueing/as_claimed.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace mailorigin::daemon {
namespace {

struct Senders {
  std::string from, envelope;
};

Event event_of(const Senders& senders, std::uint64_t recipients = 1) {
  Event event;
  event.set(Field::from, senders.from);
  event.set(Field::envelope_from, senders.envelope);
  event.set(Field::recipients, recipients);
  return event;
}

bool passes(const Senders& claimed, const Senders& seen) {
  const std::vector<std::string> domains = {"web1.example", "origin.example"};
  return is_as_claimed(event_of(claimed), event_of(seen), {"shop", domains});
}

const std::string me = "me@shop.example";
const std::string account = "shop@origin.example";
const std::string bank = "bank@bank.example";

TEST(AsClaimed, WhatIsThereAsItWasClaimed) {
  EXPECT_TRUE(passes({"Me <" + me + ">", me}, {"Me <" + me + ">", me}));
  EXPECT_FALSE(passes({me, me}, {bank, me}));
  EXPECT_FALSE(passes({me, me}, {me, bank}));
  EXPECT_FALSE(passes({me, me}, {me + ", " + bank, me})) << "one more";
  EXPECT_FALSE(passes({me + ", " + bank, me}, {me, me})) << "one less";
  EXPECT_FALSE(passes({me, me}, {"", me}));
  EXPECT_TRUE(passes({me + ", you@shop.example", me}, {"you@shop.example,\n " + me, me}));
  EXPECT_TRUE(passes({"Friends: " + me + ";", me}, {"Friends: " + me + ";", me}));
  EXPECT_TRUE(passes({me, "a@shop.example, " + me}, {me, me})) << "the last -f, or Return-Path";
}

TEST(AsClaimed, WhatTheMailServerHasPutIn) {
  EXPECT_TRUE(passes({"", ""}, {"Shop <" + account + ">", account}));
  EXPECT_TRUE(passes({"", me}, {me + " (Shop)", me}));
  EXPECT_TRUE(passes({me, ""}, {me, "shop@web1.example"}));
  EXPECT_TRUE(passes({"", me}, {account, account})) << "an Exim that does not believe -f";
  EXPECT_TRUE(passes({"root (Cron Daemon)", ""}, {"root@origin.example (Cron Daemon)", account}));
  EXPECT_TRUE(passes({"", "<>"}, {"MAILER-DAEMON", "<>"}));
  EXPECT_TRUE(passes({"", "-C"}, {account, account}));
}

TEST(AsClaimed, NobodyElseInItsPlace) {
  EXPECT_FALSE(passes({"", ""}, {bank, account}));
  EXPECT_FALSE(passes({"", ""}, {account, bank}));
  EXPECT_FALSE(passes({"", me}, {bank, me}));
  EXPECT_FALSE(passes({"", ""}, {"root@origin.example", account}));
  EXPECT_FALSE(passes({"", ""}, {"blog@origin.example", account}));
  EXPECT_FALSE(passes({"", ""}, {"shop@bank.example", account}));
  EXPECT_FALSE(passes({"", ""}, {account, "<>"}));
  EXPECT_FALSE(passes({"", ""}, {"MAILER-DAEMON", account}));
  EXPECT_FALSE(passes({"root (Cron Daemon)", ""}, {"root@bank.example", account}));
  EXPECT_FALSE(passes({"ro", ""}, {"root@origin.example", account}));
  const std::vector<std::string> domains = {"origin.example"};
  EXPECT_FALSE(is_as_claimed(event_of({"", ""}), event_of({"@origin.example", ""}), {"", domains}))
      << "no name is known";
}

TEST(AsClaimed, NothingThatTwoReadersReadDifferently) {
  for (const std::string& list :
       {bank + " <" + me + ">", me + " (" + bank + " \\))", "<@bank.example:" + me + ">",
        me + " " + bank, "\"x <" + bank + ">, " + me, "Bank: " + bank + ";, " + me}) {
    EXPECT_FALSE(passes({me, me}, {list, me})) << list;
    EXPECT_TRUE(passes({list, me}, {list, me})) << "which the rules have judged: " << list;
  }
  EXPECT_FALSE(passes({me, "\"a, bank@bank.example, b\"@shop.example"}, {me, bank}))
      << "within quotes no comma is one";
}

TEST(AsClaimed, WholeOrNotAtAll) {
  std::string many;
  for (int i = 0; i < 40; i++) many += "a" + std::to_string(i) + "@shop.example, ";
  EXPECT_TRUE(passes({many + me, me}, {many + me, me})) << "as many as there are";
  EXPECT_FALSE(passes({many + me, me}, {many + bank, me})) << "the last one, too";
  const std::string longer = many + many;
  EXPECT_FALSE(passes({longer, me}, {longer, me}));
  EXPECT_FALSE(passes({me, longer}, {me, me}));
}

TEST(AsClaimed, ForNoMoreRecipients) {
  const std::vector<std::string> domains;
  const Event two = event_of({me, me}, 2);
  EXPECT_TRUE(is_as_claimed(two, event_of({me, me}, 1), {"shop", domains}));
  EXPECT_FALSE(is_as_claimed(two, event_of({me, me}, 3), {"shop", domains}));
}

}  // namespace
}  // namespace mailorigin::daemon
