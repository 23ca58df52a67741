#include "firewall/resolver.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <memory>

namespace mailorigin {
namespace {

constexpr int patience_ms = 10'000;

bool ready(const Resolver& resolver) {
  pollfd one{resolver.fd(), POLLIN, 0};
  return poll(&one, 1, patience_ms) == 1;
}

TEST(Resolver, KeepsTheLastAddressesOfANameThatFails) {
  const auto works = std::make_shared<std::atomic<bool>>(true);
  const IpAddress address{1, 2, 3};
  Resolver resolver([=](const std::string& name) {
    return name == "good" && *works ? std::vector{address} : std::vector<IpAddress>{};
  });
  resolver.watch({"good", "bad"});
  ASSERT_TRUE(ready(resolver));
  auto round = resolver.take();
  EXPECT_EQ(round.found, (NameAddresses{{"good", {address}}}));
  EXPECT_EQ(round.failed, (std::set<std::string>{"bad"}));

  *works = false;
  resolver.watch({"good"});
  ASSERT_TRUE(ready(resolver));
  round = resolver.take();
  EXPECT_EQ(round.found, (NameAddresses{{"good", {address}}}));
  EXPECT_EQ(round.failed, (std::set<std::string>{"good"}));

  resolver.watch({"other"});
  ASSERT_TRUE(ready(resolver));
  EXPECT_TRUE(resolver.take().found.empty()) << "a name that is not watched any more";
}

TEST(Resolver, AsksTheSystem) {
  const auto found = Resolver::from_system("127.0.0.1");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(ip_address_text(found[0]), "127.0.0.1");
  EXPECT_TRUE(Resolver::from_system("no-such-name.invalid").empty());
}

}  // namespace
}  // namespace mailorigin
