#include "reports/fields.h"

#include <gtest/gtest.h>

#include "reports/sizes.h"

namespace mailorigin::reports {
namespace {

using nlohmann::json;

TEST(Fields, WhatIsMissingOrOfAnotherTypeIsNothing) {
  const json object = {
      {"text", "t"}, {"number", 7}, {"negative", -7}, {"flag", true}, {"list", {1}}};
  EXPECT_EQ(text_at(object, "text"), "t");
  EXPECT_EQ(text_at(object, "number"), "");
  EXPECT_EQ(text_at(object, "none"), "");
  EXPECT_EQ(number_at(object, "number"), 7U);
  EXPECT_EQ(number_at(object, "negative"), 0U);
  EXPECT_EQ(number_at(object, "text"), 0U);
  EXPECT_TRUE(flag_at(object, "flag"));
  EXPECT_FALSE(flag_at(object, "number"));
  EXPECT_EQ(array_at(object, "list").size(), 1U);
  EXPECT_TRUE(array_at(object, "text").empty());
  EXPECT_TRUE(member(json("text"), "text").is_null());
}

TEST(Sizes, ForPeople) {
  EXPECT_EQ(size_text(0), "0 bytes");
  EXPECT_EQ(size_text(1023), "1023 bytes");
  EXPECT_EQ(size_text(1024), "1.0 KiB");
  EXPECT_EQ(size_text(1ULL << 30), "1.0 GiB");
  EXPECT_EQ(size_text(700ULL << 20), "700 MiB");
}

}  // namespace
}  // namespace mailorigin::reports
