#include "firewall/resolver.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace mailorigin::firewall {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds patience{10};
constexpr Resolver::Pace quick{milliseconds(1), milliseconds(1)};
const IpAddress address{1, 2, 3};

// The round that is as expected, or the last before patience ends.
template <class Expected>
Resolver::Round round_that(Resolver& resolver, Expected expected) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    pollfd one{resolver.fd(), POLLIN, 0};
    poll(&one, 1, 1000);
    auto round = resolver.take();
    if (expected(round) || std::chrono::steady_clock::now() > deadline) return round;
  }
}

bool is_complete(const Resolver::Round& round) { return round.complete; }

TEST(Resolver, KeepsTheLastAddressesOfANameThatFails) {
  const auto works = std::make_shared<std::atomic<bool>>(true);
  Resolver resolver(
      [=](const std::string& name) {
        return name == "good" && *works ? std::vector{address} : std::vector<IpAddress>{};
      },
      {milliseconds(1), patience * 2});
  resolver.watch({"good", "bad"}, {});
  auto round = round_that(resolver, is_complete);
  EXPECT_EQ(round.found, (NameAddresses{{"good", {address}}}));
  EXPECT_EQ(round.failed, (std::set<std::string>{"bad"}));

  *works = false;
  round = round_that(resolver, [](const auto& each) { return each.failed.contains("good"); });
  EXPECT_EQ(round.found, (NameAddresses{{"good", {address}}}));
  EXPECT_EQ(round.failed, (std::set<std::string>{"bad", "good"}));

  resolver.watch({"other"}, {});
  round = round_that(resolver, is_complete);
  EXPECT_TRUE(round.found.empty()) << "a name that is not watched any more";
  EXPECT_EQ(round.failed, (std::set<std::string>{"other"}));
}

TEST(Resolver, BeginsWithWhatIsKnown) {
  Resolver resolver([](const std::string&) { return std::vector<IpAddress>{}; }, Resolver::Pace{});
  resolver.watch({"kept"}, {{"kept", {address}}, {"other", {address}}});
  const auto round = round_that(resolver, is_complete);
  EXPECT_EQ(round.found, (NameAddresses{{"kept", {address}}}));
  EXPECT_EQ(round.failed, (std::set<std::string>{"kept"}));
}

TEST(Resolver, AsksAgainSoonAfterAFailure) {
  const auto asked = std::make_shared<std::atomic<int>>(0);
  Resolver resolver(
      [=](const std::string&) {
        return ++*asked < 3 ? std::vector<IpAddress>{} : std::vector{address};
      },
      {patience * 2, milliseconds(1)});
  resolver.watch({"late"}, {});
  const auto round = round_that(resolver, [](const auto& each) { return !each.found.empty(); });
  EXPECT_EQ(round.found, (NameAddresses{{"late", {address}}}));
  EXPECT_TRUE(round.failed.empty());
  EXPECT_EQ(*asked, 3);
  EXPECT_LE(Resolver::Pace{}.retry, seconds(5));
}

TEST(Resolver, PublishesANameWhileAnotherHangs) {
  const auto hung = std::make_shared<std::promise<void>>();
  Resolver resolver(
      [=, wait = hung->get_future().share()](const std::string& name) {
        if (name == "hangs") wait.wait_for(patience * 2);
        return std::vector{address};
      },
      quick);
  resolver.watch({"first"}, {});
  (void)round_that(resolver, is_complete);
  resolver.watch({"first", "hangs"}, {});
  auto round = resolver.take();
  EXPECT_EQ(round.found, (NameAddresses{{"first", {address}}}));
  EXPECT_FALSE(round.complete);
  hung->set_value();
  round = round_that(resolver, is_complete);
  EXPECT_EQ(round.found.size(), 2U);
}

TEST(Resolver, NamesWhoseServerIsSlowKeepNobodyWaiting) {
  const auto over = std::make_shared<std::promise<void>>();
  Resolver resolver(
      [=, wait = over->get_future().share()](const std::string& name) {
        if (name.starts_with("slow")) wait.wait_for(patience * 2);
        return std::vector{address};
      },
      quick);
  resolver.watch({"slow 1", "slow 2", "slow 3"}, {});
  resolver.watch({"slow 1", "slow 2", "slow 3", "z"}, {});
  const auto round = round_that(resolver, [](const auto& each) { return !each.found.empty(); });
  EXPECT_EQ(round.found, (NameAddresses{{"z", {address}}}));
  over->set_value();
}

TEST(Resolver, AsksTheSystem) {
  const auto found = Resolver::from_system("127.0.0.1");
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(ip_address_text(found[0]), "127.0.0.1");
  EXPECT_TRUE(Resolver::from_system("no-such-name.invalid").empty());
}

}  // namespace
}  // namespace mailorigin::firewall
