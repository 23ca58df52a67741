#include "firewall/options.h"

#include <gtest/gtest.h>

#include <vector>

namespace mailorigin::firewall {
namespace {

Result<FirewallOptions> parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "mailorigin-firewall");
  return parse_firewall_options(static_cast<int>(arguments.size()), arguments.data());
}

TEST(FirewallOptions, HaveDefaults) {
  const auto options = parse({});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->user, "mailorigin-firewall");
  EXPECT_EQ(options->pin_directory, "/sys/fs/bpf/mailorigin");
  EXPECT_EQ(options->mark, 0x5a000000U);
  EXPECT_EQ(options->mark_mask, 0xff000000U);
}

TEST(FirewallOptions, TakeAMark) {
  const auto options = parse({"--mark=0x10/0xf0", "--once"});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->mark, 0x10U);
  EXPECT_EQ(options->mark_mask, 0xf0U);
  EXPECT_TRUE(options->once);
}

TEST(FirewallOptions, RefuseWhatMakesNoSense) {
  for (const char* mark : {"0x0/0xff", "0x100/0xff", "16/255", "0x10", "0x10/", "0x/0xff",
                           "0x1ffffffff/0xff", "0x10/0xf0 "}) {
    EXPECT_FALSE(parse({"--mark", mark})) << mark;
  }
  EXPECT_FALSE(parse({"--once", "--remove"}));
  EXPECT_FALSE(parse({"--cgroup", "relative"}));
  EXPECT_FALSE(parse({"--state-dir"}));
  EXPECT_FALSE(parse({"surplus"}));
}

}  // namespace
}  // namespace mailorigin::firewall
