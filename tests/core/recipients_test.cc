#include "core/mail/recipients.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailorigin {
namespace {

using namespace std::string_view_literals;

TEST(CountAddresses, IsExactForWellFormedLists) {
  const std::pair<const char*, std::uint64_t> lists[] = {
      {"", 0},
      {"  ,, ", 0},
      {"a@b", 1},
      {"a@b, c@d", 2},
      {"a@b,c@d,", 2},
      {"root, www-data", 2},
      {"\"Last, First\" <a@b>, c@d", 2},
      {"a@b (one, two@x), c@d", 2},
      {"<a@b>, <\"x,y\"@d>", 2},
      {"Team: a@b, c@d;", 2},
      {"Nobody:;", 0},
      {"A: a@b, c@d; , B: e@f;, g@h", 4},
      {"a@b,\r\n c@d\r\n", 2},
      {"\"quote \\\" , inside\" <a@b>", 1},
      {"a@[IPv6:::1]", 1},
      {"=?utf-8?q?a=2Cb=40c?= <a@b>", 1},
      {"J\xc3\xb6rg M. <a@b>, \xc3\xb6@\xc3\xa4.example", 2},
      {"[Shop] <a@b>, A.B. C! 50% <c@d>", 2},
      // RFC 5322, A.1.3 and A.5
      {"A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;", 3},
      {"Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", 1},
      {"A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n"
       "         joe@example.org,\r\n  John <jdoe@one.test> (my dear friend); (the end of it)",
       3},
      {"(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;", 0},
  };
  for (const auto& [list, count] : lists) EXPECT_EQ(count_addresses(list), count) << list;
}

TEST(CountAddresses, CountsAllThatMayBeOneInOtherLists) {
  const std::pair<std::string_view, std::uint64_t> lists[] = {
      {"<a@x.test> <b@x.test> <c@x.test> <d@x.test>", 4},
      {"a@x.test; b@x.test; c@x.test; d@x.test (", 4},
      {"a@b c@d e@f", 3},
      {"a b c", 3},
      {"Shop; Ltd <a@b>", 3},
      {"me@b <me@b>", 2},
      {"a@b <c@d> e@f", 3},
      {"<a@b c@d>", 2},
      {"<@a,@b:c@d>", 3},
      {"a@b@c%d!e", 4},
      {"a\"b\"c@d", 3},
      {"a\\b", 2},
      {"a@b\\(<c@d>)", 3},
      {"<>, < >", 2},
      {"\"\" \"\"", 2},
      {".", 1},
      {"a@b\r, c@d", 2},
      {"a@b\rc@d", 2},
      {"a@b\0, c@d"sv, 2},
      {"a@b\nc@d", 2},
      {"<", 1},
      {">", 1},
      {"a@b, <c@d>>", 3},
      {")", 1},
      {"\v", 1},
      {"<<a@b>\v", 2},
      {"<>, < >, <", 3},
      {"\x7f", 1},
      {"\x01, a\x02@b", 2},
      {"Team: a@b, c@d", 3},
      {"\"a@b, c@d", 2},
      {"a@b, \"c, d@e", 3},
      {"a@b, (c, d@e", 3},
      {"a@b, [c, d@e", 3},
      {"<a@b>:", 2},
      {"::<a@b>,:", 3},
  };
  for (const auto& [list, least] : lists) EXPECT_GE(count_addresses(list), least) << list;
}

TEST(CountAddresses, CountsNoMoreThanPiecesInOtherLists) {
  EXPECT_EQ(count_addresses("<a@x.test> <b@x.test>"), 2U);
  EXPECT_EQ(count_addresses("a@x.test; b@x.test"), 2U);
  EXPECT_EQ(count_addresses("a@x.test b@x.test"), 2U);
}

TEST(AddressesIn, AreWithoutNamesAndComments) {
  const auto addresses = addresses_in(
      "\"Me, too\" <Me@Shop.Example> (home), team: a@b, \"x y\"@c.d;, local, <e . f@g . h>");
  EXPECT_EQ(addresses, (std::vector<std::string>{"Me@shop.example", "a@b", "\"x y\"@c.d", "local",
                                                 "e.f@g.h"}));
  EXPECT_EQ(addresses_in("a@b c@d"), std::nullopt);
}

RecipientDigest digest(std::initializer_list<std::string_view> lists) {
  RecipientSet set;
  for (const std::string_view list : lists) set.add(list);
  return set.digest();
}

TEST(RecipientSet, IsTheSameInAnyForm) {
  EXPECT_EQ(digest({"a@b, c@d"}), digest({"C <c@D>", "", "<a@b>"}));
  EXPECT_EQ(digest({"a@b", "a@b"}), digest({"a@b"}));
  EXPECT_EQ(digest({"a@b c@d"}), digest({"a@b\r\n c@d"}));
}

TEST(RecipientSet, IsAnotherForAnyOther) {
  EXPECT_NE(digest({"a@b"}), digest({"a@b", "c@d"}));
  EXPECT_NE(digest({"a@b"}), digest({"A@b"}));
  EXPECT_NE(digest({"a@b c@d"}), digest({"a@bc@d", "e"}));
  EXPECT_NE(digest({}), digest({"a"}));
}

}  // namespace
}  // namespace mailorigin
