// What the store has of one script.
#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/reader.h"
#include "store/writer.h"
#include "tests/store/samples.h"

namespace mailorigin::store {

namespace {

using testing::must;
using testing::must_not_fail;
using testing::now_ms;
using testing::sample;

bool all(const Event&) { return true; }

class ScriptMails : public testing::StoreTest {};
INSTANTIATE_TEST_SUITE_P(Databases, ScriptMails, testing::both_databases(), testing::driver_name);

Event mail_of(std::string_view entry, std::string_view caller, std::uint64_t time_ms) {
  Event event = sample(time_ms);
  event.set(Field::entry, entry);
  event.set(Field::caller, caller);
  return event;
}

TEST_P(ScriptMails, AreThoseThatItWasAskedForOrCalledIn) {
  std::vector<Event> events;
  const std::string x = "/srv/shop/up/x%_.php", other = "/srv/shop/index.php";
  // Asked for and called in at once, asked for alone, called in alone; other scripts.
  events.push_back(mail_of(x, x + ":7", now_ms - 50 * hour_ms));
  events.push_back(mail_of(x, other + ":1", now_ms - 30 * hour_ms));
  events.push_back(mail_of(other, x + ":8", now_ms - 3 * hour_ms));
  events.push_back(mail_of(other, x + ":9", now_ms - 3 * hour_ms));
  events.back().set(Field::verdict, "deny");
  events.push_back(mail_of(other, other + ":1", now_ms));
  events.push_back(mail_of("/srv/shop/up/xA_.php", "/srv/shop/up/xA_.php:7", now_ms));
  events.push_back(mail_of(x + "x", x + "x:7", now_ms));
  must_not_fail(open_writer()->store(events, 1));

  const ScriptMail mail = must(open_reader()->of_script(x, now_ms, 10, all));
  EXPECT_EQ(mail.counts, (Counts{4, 4, 0, 1}));
  EXPECT_EQ(mail.first_seen_ms, now_ms - 50 * hour_ms);
  EXPECT_EQ(mail.last_seen_ms, now_ms - 3 * hour_ms);
  ASSERT_EQ(mail.last.size(), 2U);
  EXPECT_EQ(mail.last[0].get(Field::to), "someone@example.org");
  EXPECT_EQ(must(open_reader()->of_script(x, now_ms, 1, all)).last.size(), 1U);
}

TEST_P(ScriptMails, OfWhichOnlyTheSenderSaysSoAreLeftOut) {
  std::vector<Event> events;
  const std::string x = "/srv/shop/x.php", other = "/srv/blog/index.php";
  const auto add = [&](std::string_view entry, std::string_view caller, std::uint64_t time_ms) {
    return &events.emplace_back(mail_of(entry, caller, time_ms));
  };
  const auto claim = [&](std::uint64_t time_ms) {
    Event* const event = add(x, x + ":7", time_ms);
    for (const Field field : {Field::verified, Field::docroot}) event->set(field, false);
    event->set(Field::uid, "1002");
    event->set(Field::recipients, "500");
    return event;
  };
  claim(now_ms - 9 * hour_ms);
  add(other, x + ":7", now_ms - 5 * hour_ms);
  add(x, "", now_ms - 5 * hour_ms)->set(Field::verdict, "hold");
  // Of a neighbour's request, and more of them than are looked at.
  add(other, x + ":7", now_ms - 5 * hour_ms)->set(Field::docroot, "/srv/blog");
  for (int i = 0; i < 3; i++) claim(now_ms - 5 * hour_ms);
  claim(now_ms)->set(Field::caller, "");
  // No mails.
  add(x, x + ":7", now_ms)->set(Field::kind, "smtp");
  add(x, x + ":7", now_ms)->set(Field::reason, "probe");
  must_not_fail(open_writer()->store(events, 1));

  const auto is_backed = [&](const Event& about) {
    EXPECT_TRUE(about.get(Field::entry).empty() || about.get(Field::entry) == x);
    return about.has(Field::verified) && about.get(Field::docroot) == "/srv/shop" &&
           about.get(Field::uid) == "1001";
  };
  const ScriptMail mail = must(open_reader()->of_script(x, now_ms, 2, is_backed));
  EXPECT_EQ(mail.counts, (Counts{2, 2, 1, 0}));
  EXPECT_EQ(mail.claimed, 6U);
  EXPECT_EQ(mail.first_seen_ms, now_ms - 5 * hour_ms);
  EXPECT_EQ(mail.last_seen_ms, now_ms - 5 * hour_ms);
  ASSERT_EQ(mail.last.size(), 2U);
  EXPECT_EQ(mail.last[0].get(Field::id), events[2].get(Field::id));
  EXPECT_EQ(mail.last[1].get(Field::id), events[1].get(Field::id));
}

TEST_P(ScriptMails, AreNoneOfWhatIsNotKnown) {
  must_not_fail(open_writer()->store(std::vector{sample(now_ms)}, 1));
  const ScriptMail mail = must(open_reader()->of_script("/srv/none\n'.php", now_ms, 10, all));
  EXPECT_EQ(mail.counts, Counts{});
  EXPECT_EQ(mail.first_seen_ms, std::nullopt);
  EXPECT_TRUE(mail.last.empty());
}

}  // namespace

}  // namespace mailorigin::store
