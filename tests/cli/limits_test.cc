// `mailorigin limits` as people read it.
#include "cli/limits.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "reports/limits_report.h"

namespace mailorigin::cli {
namespace {

using Kind = LimitSubject::Kind;

SiteLimits example() {
  SiteLimits limits;
  limits.reset = LimitReset{"shop.example", 1'795'000'000'000, "alice"};
  ShownLimit limit;
  limit.rule.rate = {50, 3'600'000'000'000, 50};
  limit.rule.per = LimitRule::Per::script;
  limit.rule.place = "/etc/apache2/sites-enabled/shop.conf:14";
  limit.counted.push_back(
      {{Kind::script, 0, "/srv/shop/a.php"}, {50, 72'000'000'000, 3'600'000'000'000}});
  limit.counted.push_back({{Kind::script, 0, "/srv/shop/\x1b[31mb.php"}, {3, 0, 180'000'000'000}});
  LimitedSubject& limited = limit.limited.emplace_back();
  limited.of = limit.counted[0].of;
  limited.count = 12;
  limited.last_ms = 1'795'000'001'000;
  limited.last_id = "01KAAAAAAAAAAAAAAAAAAAAAAA";
  limits.limits.push_back(limit);
  limits.limits.emplace_back();
  return limits;
}

TEST(LimitsText, EachLimitWhoUsesItAndWhoWasRefused) {
  EXPECT_EQ(limits_text(reports::limit_facts("shop.example", example()), Style(false)),
            "shop.example\n"
            "  set back by alice at 2026-11-18T11:06:40.000Z\n"
            "  MailOriginLimit 50/hour per=script (/etc/apache2/sites-enabled/shop.conf:14)\n"
            "    50 of 50 used by script /srv/shop/a.php; the next may leave in 72 s; whole in 60 "
            "min\n"
            "    3 of 50 used by script /srv/shop/\\x1b[31mb.php; whole in 3 min\n"
            "    12 refused of script /srv/shop/a.php, the last at 2026-11-18T11:06:41.000Z: event "
            "01KAAAAAAAAAAAAAAAAAAAAAAA\n"
            "  MailOriginLimit 1/\n"
            "    nothing of it is used\n");
}

TEST(LimitsText, WhatWasToBeHeldIsSaidApartFromWhatWas) {
  SiteLimits limits;
  ShownLimit& limit = limits.limits.emplace_back();
  limit.rule.action = Rule::hold;
  LimitedSubject& limited = limit.limited.emplace_back();
  limited.of = {Kind::script, 0, "/srv/shop/a.php"};
  limited.count = 12;
  limited.last_ms = 1'795'000'001'000;
  limited.last_id = "01KAAAAAAAAAAAAAAAAAAAAAAA";
  const auto shown = [&](std::uint64_t held, std::uint64_t no_hold) {
    limited.held = held;
    limited.no_hold = no_hold;
    const std::string text =
        limits_text(reports::limit_facts("shop.example", limits), Style(false));
    const std::size_t end = text.find(" of script");
    const std::size_t begin = text.rfind("    ", end) + 4;
    return text.substr(begin, end - begin);
  };
  EXPECT_EQ(shown(12, 0), "12 held");
  EXPECT_EQ(shown(0, 12), "12 refused (no-hold: no mail server that holds was connected)");
  EXPECT_EQ(shown(7, 4),
            "7 held, 4 refused (no-hold: no mail server that holds was connected), 1 refused by a "
            "stricter rule");
}

TEST(LimitsText, FitsATerminal) {
  const std::string text =
      limits_text(reports::limit_facts("shop.example", example()), Style(false, 80));
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    EXPECT_LE(end - begin, 80U) << text.substr(begin, end - begin);
    begin = end + 1;
  }
}

TEST(LimitsText, ASiteWithoutLimits) {
  EXPECT_EQ(limits_text(reports::limit_facts("shop.example", {}), Style(false)),
            "shop.example\n  has no MailOriginLimit.\n");
}

}  // namespace
}  // namespace mailorigin::cli
