#include "core/counted.h"

#include <gtest/gtest.h>

namespace mailorigin {
namespace {

TEST(Counted, OneIsSingular) {
  EXPECT_EQ(counted(0, "virtual host"), "0 virtual hosts");
  EXPECT_EQ(counted(1, "virtual host"), "1 virtual host");
  EXPECT_EQ(counted(12, "virtual host"), "12 virtual hosts");
}

TEST(Counted, WhatFollowsMayChangeToo) {
  EXPECT_EQ(counted(1, "event is", "events are"), "1 event is");
  EXPECT_EQ(counted(2, "event is", "events are"), "2 events are");
}

}  // namespace
}  // namespace mailorigin
