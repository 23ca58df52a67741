#include "core/ulid.h"

#include <gtest/gtest.h>

#include <set>

namespace mailorigin {
namespace {

TEST(Ulid, IsWrittenInCrockfordsBase32) {
  Ulid ulid;
  EXPECT_EQ(ulid.text(), "00000000000000000000000000");
  ulid.bytes.fill(0xff);
  EXPECT_EQ(ulid.text(), "7ZZZZZZZZZZZZZZZZZZZZZZZZZ");
  // 1469918176385 ms is the specification's own example of a time part.
  EXPECT_EQ(UlidGenerator().next(1469918176385).text().substr(0, 10), "01ARYZ6S41");
}

TEST(Ulid, ReadsBackWhatItWrites) {
  UlidGenerator generator;
  for (int i = 0; i < 1000; i++) {
    const Ulid ulid = generator.next(1'700'000'000'000U + static_cast<unsigned>(i) * 977);
    EXPECT_EQ(Ulid::parse(ulid.text()), ulid);
  }
}

TEST(Ulid, RefusesOtherText) {
  EXPECT_FALSE(Ulid::parse(""));
  EXPECT_FALSE(Ulid::parse("01ARYZ6S41TSV4RRFFQ69G5FA"));   // 25
  EXPECT_FALSE(Ulid::parse("81ARYZ6S41TSV4RRFFQ69G5FAV"));  // 129 bits
  EXPECT_FALSE(Ulid::parse("01ARYZ6S41TSV4RRFFQ69G5FAU"));  // U
  EXPECT_TRUE(Ulid::parse("01aryz6s41tsv4rrffq69g5fav"));
}

TEST(Ulid, SortsByTimeAndIsUniqueOverGenerators) {
  UlidGenerator one;
  UlidGenerator other;
  EXPECT_LT(one.next(1000).text(), other.next(1001).text());
  std::set<Ulid> seen;
  for (int i = 0; i < 10000; i++) {
    seen.insert(one.next(5));
    seen.insert(other.next(5));
  }
  EXPECT_EQ(seen.size(), 20000U);
}

}  // namespace
}  // namespace mailorigin
