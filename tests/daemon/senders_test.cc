#include "mailorigind/judging/senders.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace mailorigin::daemon {
namespace {

class Senders : public testing::Test {
 protected:
  const std::vector<std::string> domains_ = {"shop.example", "www.shop.example"};
};

TEST_F(Senders, OfTheHostsDomainsBelong) {
  for (const char* list : {"",
                           "  ",
                           "me@shop.example",
                           "Me <me@SHOP.example>",
                           "<me@www.shop.example.>",
                           "\"ceo@bank.example\" <me@shop.example>",
                           "=?utf-8?q?ceo=40bank.example?= <me@shop.example>",
                           "a@shop.example, b@www.shop.example",
                           "me@shop.example (at home, not me@evil.example)",
                           "\"a@b\"@shop.example",
                           "Me\r\n <me@shop.example>",
                           "me@shop.example <me@shop.example>",
                           "[Shop] <me@shop.example>",
                           "J\xc3\xb6rg (Ltd) A.B. & Co! 50% <me@shop.example>",
                           "j\xc3\xb6rg@shop.example",
                           "\"x \\\" y\" <me@shop.example>",
                           "< me@shop.example >",
                           "a.b..c@shop.example",
                           "bounce+user=evil.example@shop.example",
                           " me@shop.example ,"}) {
    EXPECT_TRUE(from_belongs_to(list, domains_)) << list;
    EXPECT_TRUE(envelope_belongs_to(list, domains_)) << list;
  }
}

// A mail server takes the first address of an envelope sender, here "Shop".
TEST_F(Senders, FromMayHoldAGroupOrASemicolonTheEnvelopeNot) {
  for (const char* list : {"Shop; Ltd <me@shop.example>", "Team: a@shop.example, b@shop.example;",
                           "Team: A <a@shop.example>, B; C <b@shop.example>; , c@shop.example"}) {
    EXPECT_TRUE(from_belongs_to(list, domains_)) << list;
    EXPECT_FALSE(envelope_belongs_to(list, domains_)) << list;
  }
}

TEST_F(Senders, OfAWildcardsDomainsBelong) {
  EXPECT_TRUE(from_belongs_to("me@a.shop.example", {"*.shop.example"}));
  EXPECT_FALSE(from_belongs_to("me@shop.example", {"*.shop.example"}));
  EXPECT_FALSE(from_belongs_to("me@shop.example.evil", {"*.shop.example"}));
  EXPECT_FALSE(from_belongs_to("me@", {"*.shop.example"}));
  EXPECT_FALSE(from_belongs_to("me@", {"*"}));
  EXPECT_FALSE(from_belongs_to("me@evil.example%a.shop.example", {"*.shop.example"}));
}

TEST_F(Senders, OfOtherDomainsDoNotHoweverTheyAreWritten) {
  for (const char* list : {"me@evil.example",
                           "me",
                           "me@",
                           "a@shop.example, b@evil.example",
                           "Team: a@shop.example, b@evil.example;",
                           "me@shop.example <x@evil.example>",
                           "<me@shop.example> x@evil.example",
                           "me@shop.example(c)@evil.example",
                           "me@shop.example\\@evil.example",
                           "a@shop.example; b@evil.example",
                           "me@notshop.example",
                           "me@shop.example.evil.example",
                           "a@shop.example@evil.example",
                           "=?utf-8?b?bWVAZXZpbC5leGFtcGxl?=",
                           "me@[192.0.2.1]",
                           "\"open <me@shop.example>, x@evil.example",
                           "x y z <>",
                           "me@shop.example (open x@evil.example",
                           "x@evil.example <me@shop.example>",
                           "<@evil.example:me@shop.example>",
                           "<@shop.example,@evil.example:me@shop.example>",
                           "root, me@shop.example",
                           "root;",
                           "Nobody:;",
                           "me@shop.example; ev",
                           "ev; me@shop.example",
                           "me@shop.example; Ltd; <>",
                           "ev%evil.example; me@shop.example",
                           "evil.example!ev; Ltd <me@shop.example>",
                           "<>",
                           ",",
                           "(me@shop.example)",
                           "a@shop.example b@shop.example",
                           "<a@shop.example> <b@shop.example>"}) {
    EXPECT_FALSE(from_belongs_to(list, domains_)) << list;
    EXPECT_FALSE(envelope_belongs_to(list, domains_)) << list;
  }
}

TEST_F(Senders, WhatReadersReadDifferentlyDoesNotBelong) {
  using namespace std::string_view_literals;
  for (const std::string_view list : {"me@shop.example\\(<ev@evil.example>)"sv,
                                      "ev@evil.example\\ <me@shop.example>"sv,
                                      "me\\@shop.example"sv,
                                      "(\\) ev@evil.example (\\) me@shop.example"sv,
                                      "(a (b) ev@evil.example) me@shop.example"sv,
                                      "(\") ev@evil.example (\") me@shop.example"sv,
                                      "[ <ev@evil.example> ] <me@shop.example>"sv,
                                      "[Shop <me@shop.example>"sv,
                                      "evil.example!me@shop.example"sv,
                                      "ev%evil.example@shop.example"sv,
                                      "x\"y\"@shop.example"sv,
                                      "\"x\".y@shop.example"sv,
                                      "me @shop.example"sv,
                                      "me@ shop.example"sv,
                                      "me(c)@shop.example"sv,
                                      "me@shop.(c)example"sv,
                                      "me@shop.example\rev@evil.example"sv,
                                      "me@shop.example\nev@evil.example"sv,
                                      "me@shop.example\0ev@evil.example"sv,
                                      "\x01me@shop.example"sv,
                                      "me@shop.example:25"sv,
                                      "me@shop.example..evil.example"sv,
                                      "<me@shop.example>x"sv,
                                      "<<me@shop.example>>"sv,
                                      "me@shop.example>"sv,
                                      "<me@shop.example"sv,
                                      "me@shop.example[evil.example]"sv,
                                      "me@shop..example"sv,
                                      "me@.shop.example"sv}) {
    EXPECT_FALSE(from_belongs_to(list, domains_)) << list;
    EXPECT_FALSE(envelope_belongs_to(list, domains_)) << list;
  }
}

TEST(Completion, IsTheAccountAtADomainOfTheMailServers) {
  const std::vector<std::string> domains = {"web1.example", "origin.example"};
  const Completion shop{"shop", domains};
  for (const char* list : {"shop@web1.example", "Shop <shop@Origin.example>", "<shop@web1.example>",
                           "shop@web1.example (Shop)"}) {
    EXPECT_TRUE(is_completion(list, shop)) << list;
  }
  for (const char* list :
       {"", "shop", "<>", "root@web1.example", "shop@bank.example", "xshop@web1.example",
        "shop@web1.example, shop@origin.example", "shop@x.web1.example",
        "me@bank.example <shop@web1.example>", "<@bank.example:shop@web1.example>"}) {
    EXPECT_FALSE(is_completion(list, shop)) << list;
  }
  EXPECT_FALSE(is_completion("@web1.example", Completion{"", domains}));
}

}  // namespace
}  // namespace mailorigin::daemon
