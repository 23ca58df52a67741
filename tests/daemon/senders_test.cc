#include "mailorigind/judging/senders.h"

#include <gtest/gtest.h>

namespace mailorigin::daemon {
namespace {

class Senders : public testing::Test {
 protected:
  const std::vector<std::string> domains_ = {"shop.example", "www.shop.example"};
};

TEST_F(Senders, OfTheHostsDomainsBelong) {
  for (const char* list :
       {"", "  ", "me@shop.example", "Me <me@SHOP.example>", "<me@www.shop.example.>",
        "\"ceo@bank.example\" <me@shop.example>",
        "=?utf-8?q?ceo=40bank.example?= <me@shop.example>", "a@shop.example, b@www.shop.example",
        "Team: a@shop.example, b@shop.example;", "me@shop.example (at home, not me@evil.example)",
        "\"a@b\"@shop.example", "Me\r\n <me@shop.example>"}) {
    EXPECT_TRUE(addresses_belong_to(list, domains_)) << list;
  }
}

TEST_F(Senders, OfAWildcardsDomainsBelong) {
  EXPECT_TRUE(addresses_belong_to("me@a.shop.example", {"*.shop.example"}));
  EXPECT_FALSE(addresses_belong_to("me@shop.example", {"*.shop.example"}));
  EXPECT_FALSE(addresses_belong_to("me@shop.example.evil", {"*.shop.example"}));
  EXPECT_FALSE(addresses_belong_to("me@", {"*.shop.example"}));
}

TEST_F(Senders, OfOtherDomainsDoNotHoweverTheyAreWritten) {
  for (const char* list :
       {"me@evil.example", "me", "me@", "a@shop.example, b@evil.example",
        "Team: a@shop.example, b@evil.example;", "me@shop.example <x@evil.example>",
        "<me@shop.example> x@evil.example", "me@shop.example(c)@evil.example",
        "me@shop.example\\@evil.example", "a@shop.example; b@evil.example", "me@notshop.example",
        "me@shop.example.evil.example", "a@shop.example@evil.example",
        "=?utf-8?b?bWVAZXZpbC5leGFtcGxl?=", "me@[192.0.2.1]",
        "\"open <me@shop.example>, x@evil.example", "x y z <>",
        "me@shop.example (open x@evil.example"}) {
    EXPECT_FALSE(addresses_belong_to(list, domains_)) << list;
  }
}

}  // namespace
}  // namespace mailorigin::daemon
