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

  const ScriptMail mail = must(open_reader()->of_script(x, now_ms, 10));
  EXPECT_EQ(mail.counts, (Counts{4, 4, 0, 1}));
  EXPECT_EQ(mail.first_seen_ms, now_ms - 50 * hour_ms);
  EXPECT_EQ(mail.last_seen_ms, now_ms - 3 * hour_ms);
  ASSERT_EQ(mail.last.size(), 2U);
  EXPECT_EQ(mail.last[0].get(Field::to), "someone@example.org");
  EXPECT_EQ(must(open_reader()->of_script(x, now_ms, 1)).last.size(), 1U);
}

TEST_P(ScriptMails, AreNoneOfWhatIsNotKnown) {
  must_not_fail(open_writer()->store(std::vector{sample(now_ms)}, 1));
  const ScriptMail mail = must(open_reader()->of_script("/srv/none\n'.php", now_ms, 10));
  EXPECT_EQ(mail.counts, Counts{});
  EXPECT_EQ(mail.first_seen_ms, std::nullopt);
  EXPECT_TRUE(mail.last.empty());
}

}  // namespace

}  // namespace mailorigin::store
