// With maps of the kernel's own.
#include "firewall/map_entries.h"

#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <map>

#include "core/fd.h"
#include "firewall/typed_map.h"

namespace mailorigin::firewall {
namespace {

constexpr std::uint32_t entries = 2000;

class MapEntries : public testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "needs root: a map is the kernel's";
    fd_.reset(bpf_map_create(BPF_MAP_TYPE_HASH, "entries", sizeof(std::uint32_t),
                             sizeof(std::uint64_t), entries, nullptr));
    for (std::uint32_t key = 0; key < entries; key++) {
      ASSERT_TRUE(static_cast<bool>(map().put(key, square(key))));
    }
  }

  static std::uint64_t square(std::uint32_t key) { return std::uint64_t{key} * key; }
  [[nodiscard]] TypedMap<std::uint32_t, std::uint64_t> map() const {
    return *TypedMap<std::uint32_t, std::uint64_t>::of(fd_.get(), "entries");
  }

  Fd fd_;
};

TEST_F(MapEntries, EachIsVisitedOnce) {
  std::map<std::uint32_t, int> visits;
  map().each([&](std::uint32_t key, std::uint64_t value) {
    EXPECT_EQ(value, square(key));
    visits[key]++;
  });
  EXPECT_EQ(visits.size(), entries);
  for (const auto& [key, times] : visits) EXPECT_EQ(times, 1) << key;
}

TEST_F(MapEntries, AlsoWhereThoseThatWereVisitedGo) {
  std::map<std::uint32_t, int> visits;
  map().each([&](std::uint32_t key, std::uint64_t /*value*/) {
    visits[key]++;
    if (key % 3 == 0) map().erase(key);
  });
  EXPECT_EQ(visits.size(), entries);
  for (const auto& [key, times] : visits) EXPECT_EQ(times, 1) << key;
  EXPECT_EQ(map().keys().size(), entries - (entries + 2) / 3);
}

TEST_F(MapEntries, AlsoWhereMoreStandTogetherThanWereAskedFor) {
  std::size_t count = 0;
  each_entry(
      fd_.get(), sizeof(std::uint32_t), sizeof(std::uint64_t),
      [&](const char* /*key*/, const char* /*value*/) { count++; }, 1);
  EXPECT_EQ(count, entries);
}

TEST_F(MapEntries, WhatIsNoMapHasNone) {
  each_entry(-1, 4, 8, [](const char* /*key*/, const char* /*value*/) { FAIL(); });
}

}  // namespace
}  // namespace mailorigin::firewall
