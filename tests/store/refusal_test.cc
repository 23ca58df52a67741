// What a database does not take.
#include <gtest/gtest.h>

#include <string>
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

class Refusal : public testing::StoreTest {};
INSTANTIATE_TEST_SUITE_P(Databases, Refusal, testing::both_databases(), testing::driver_name);

// A constraint of the administrator's own, say.
void refuse_subject(Database& database, const std::string& subject) {
  const std::string condition = "NEW.subject = '" + subject + "'";
  if (database.dialect() == Dialect::sqlite) {
    must_not_fail(database.run("CREATE TRIGGER strict BEFORE INSERT ON mailorigin_event WHEN " +
                               condition + " BEGIN SELECT RAISE(ABORT, 'not here'); END"));
    return;
  }
  must_not_fail(database.run(
      "ALTER TABLE mailorigin_event ADD CONSTRAINT strict CHECK (subject <> '" + subject + "')"));
}

TEST_P(Refusal, SetsAsideWhatTheDatabaseRefuses) {
  must_not_fail(open_writer()->store({}, 1));
  refuse_subject(*raw(), "refused");
  auto writer = open_writer();
  std::vector<Event> events;
  std::vector<std::string> refused, set_aside;
  for (int i = 0; i < 300; i++) {
    events.push_back(sample(now_ms));
    events.back().set(Field::to, "someone" + std::to_string(i) + "@example.org");
    if (i == 0 || i == 128 || i == 129 || i == 299) {
      events.back().set(Field::subject, "refused");
      events.back().set(Field::entry, "/srv/refused.php");
      refused.push_back(events.back().get(Field::id));
    }
  }
  const SetAside keep = [&](const Event& event, const std::string& why) -> Status {
    set_aside.push_back(event.get(Field::id));
    EXPECT_NE(why.find(driver() == "pgsql" ? "strict" : "not here"), std::string::npos) << why;
    EXPECT_EQ(why.find("someone"), std::string::npos) << "a row is a tenant's: " << why;
    return Done{};
  };
  must_not_fail(writer->store(events, 2, keep));
  EXPECT_EQ(set_aside, refused);
  EXPECT_EQ(all_events(), events.size() - refused.size());
  EXPECT_EQ(rows_of("mailorigin_key"), events.size() - refused.size());
  EXPECT_EQ(rows_of("mailorigin_name WHERE text = '/srv/refused.php'"), 0U);
  EXPECT_EQ(must(open_reader()->sent(Per::script, "/srv/shop/index.php", now_ms)).hour.mails,
            events.size() - refused.size());
  // And it goes on.
  must_not_fail(writer->store(std::vector{sample(now_ms)}, 3, keep));
  EXPECT_EQ(set_aside.size(), refused.size());
  EXPECT_EQ(open_writer()->position(), 3U);
}

TEST_P(Refusal, WaitsWithWhatCannotBeSetAside) {
  must_not_fail(open_writer()->store({}, 1));
  refuse_subject(*raw(), "refused");
  auto writer = open_writer();
  Event event = sample(now_ms);
  event.set(Field::subject, "refused");
  const Status stored =
      writer->store(std::vector{sample(now_ms), event}, 2,
                    [](const Event&, const std::string&) -> Status { return Error{"disk full"}; });
  ASSERT_FALSE(stored);
  EXPECT_EQ(stored.error().message, "disk full");
  EXPECT_EQ(all_events(), 0U);
  EXPECT_EQ(open_writer()->position(), 1U);
}

TEST_P(Refusal, SetsNothingAsideWhereTheDatabaseIsInTrouble) {
  auto writer = open_writer();
  must_not_fail(writer->store({}, 1));
  must_not_fail(raw()->run("DROP TABLE mailorigin_key"));
  int set_aside = 0;
  EXPECT_FALSE(writer->store(std::vector{sample(now_ms)}, 2, [&](const Event&, const std::string&) {
    set_aside++;
    return Status(Done{});
  }));
  EXPECT_EQ(set_aside, 0);
}

}  // namespace

}  // namespace mailorigin::store
