// What versions before this one have left.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "store/columns.h"
#include "store/reader.h"
#include "store/schema.h"
#include "store/writer.h"
#include "tests/store/samples.h"

namespace mailorigin::store {

namespace {

using testing::must;
using testing::must_not_fail;
using testing::now_ms;
using testing::sample;

class Versions : public testing::StoreTest {
 protected:
  void run(const std::vector<std::string>& statements) {
    const auto database = raw();
    for (const std::string& sql : statements) must_not_fail(database->run(sql));
  }

  // The tables as version 4 made them, with that event in them as it kept it.
  void make_version_4(const Event& event) {
    must_not_fail(open_writer()->store(std::vector{event}, 1));
    const bool is_file = driver() == "sqlite3";
    const std::string queue_index =
        "CREATE INDEX mailorigin_event_queue ON mailorigin_event (queue_id) "
        "WHERE queue_id IS NOT NULL";
    run({
        "DROP TABLE mailorigin_key",
        "ALTER TABLE mailorigin_event DROP COLUMN \"to\"",
        "ALTER TABLE mailorigin_event ADD COLUMN message_key BIGINT",
        "UPDATE mailorigin_event SET message_key = " +
            std::to_string(message_key(event.get(Field::message_id))),
        "CREATE INDEX mailorigin_event_message ON mailorigin_event (message_key)",
        queue_index,
        std::string("CREATE TABLE mailorigin_recipient (event TEXT ") +
            (is_file ? "" : "COLLATE \"C\" ") +
            "NOT NULL, address TEXT NOT NULL, domain BIGINT, PRIMARY KEY (event, address))" +
            (is_file ? " WITHOUT ROWID" : " PARTITION BY RANGE (event)"),
        "CREATE INDEX mailorigin_recipient_address ON mailorigin_recipient (address)",
        "UPDATE mailorigin_meta SET value = '4' WHERE name = 'schema'",
        "UPDATE mailorigin_meta SET value = REPLACE(value, ' to ', ' ') WHERE name = 'columns'",
    });
    if (is_file) {
      run({"DROP TABLE mailorigin_part"});
    } else {
      run({"CREATE TABLE mailorigin_recipient_1 PARTITION OF mailorigin_recipient DEFAULT"});
    }
    run({"INSERT INTO mailorigin_recipient (event, address) VALUES ('" + event.get(Field::id) +
         "', 'someone@example.org')"});
  }
  // How many tables and indexes there are that only version 4 has.
  std::uint64_t of_version_4() {
    return rows_of(driver() == "sqlite3" ? "sqlite_master WHERE name IN ('mailorigin_recipient', "
                                           "'mailorigin_event_message', 'mailorigin_event_queue')"
                                         : "pg_class WHERE relname IN ('mailorigin_recipient', "
                                           "'mailorigin_event_message', 'mailorigin_event_queue')");
  }
  // Each way that trace looks an event up.
  void expect_found(const Event& event) {
    const auto reader = open_reader();
    for (const Search& search :
         {Search{.id = event.get(Field::id)}, Search{.request_id = event.get(Field::request_id)},
          Search{.message_id = event.get(Field::message_id)},
          Search{.queue_id = event.get(Field::queue_id)}}) {
      const auto found = must(reader->find(search));
      ASSERT_EQ(found.size(), 1U);
      EXPECT_EQ(found[0].get(Field::id), event.get(Field::id));
      EXPECT_EQ(found[0].get(Field::to), "someone@example.org");
    }
    const auto got = must(reader->find({.recipient = "someone@example.org"}));
    EXPECT_EQ(std::count_if(
                  got.begin(), got.end(),
                  [&](const Event& each) { return each.get(Field::id) == event.get(Field::id); }),
              1);
  }
};
INSTANTIATE_TEST_SUITE_P(Databases, Versions, testing::both_databases(), testing::driver_name);

Event mail(std::uint64_t time_ms, const char* name) {
  Event event = sample(time_ms);
  event.set(Field::message_id, std::string("<") + name + "@shop.example>");
  event.set(Field::queue_id, std::string("4") + name);
  return event;
}

TEST_P(Versions, FourIsReadAsItIs) {
  const Event old = mail(now_ms, "old");
  make_version_4(old);
  expect_found(old);
}

TEST_P(Versions, FourIsWrittenAndReadUntilNothingOfItIsLeft) {
  const Event old = mail(now_ms - 20 * day_ms, "old");
  Event fresh = mail(now_ms, "new");
  make_version_4(old);
  {
    auto writer = open_writer();
    EXPECT_EQ(writer->position(), 1U);
    must_not_fail(writer->store(std::vector{fresh}, 2));
    expect_found(old);
    expect_found(fresh);
    EXPECT_EQ(must(open_reader()->find({.recipient = "someone@example.org"})).size(), 2U);
    EXPECT_EQ(must(open_reader()->find({.recipient = "someone@example.org", .most = 1}))
                  .at(0)
                  .get(Field::id),
              fresh.get(Field::id));
    // A mail of then comes by now.
    Event passage = sample(now_ms);
    passage.set(Field::kind, queue_kind);
    passage.set(Field::mail_id, old.get(Field::id));
    passage.set(Field::queue_id, "4later");
    must_not_fail(writer->store(std::vector{passage}, 3));
    EXPECT_EQ(must(open_reader()->find({.queue_id = "4later"})).size(), 1U);
  }
  open_writer();
  EXPECT_EQ(of_version_4(), 3U) << "while there are events of its own";
  auto writer = open_writer();
  while (must(writer->remove_older(now_ms, 10 * day_ms))) {
  }
  EXPECT_EQ(all_events(), 1U);
  open_writer();
  EXPECT_EQ(of_version_4(), 0U);
  expect_found(fresh);
}

TEST_P(Versions, OneIsBroughtUpToDate) {
  const Event old = mail(now_ms, "old");
  make_version_4(old);
  run({"DROP INDEX mailorigin_event_connection", "DROP INDEX mailorigin_event_queue",
       "DROP INDEX mailorigin_name_seen",
       "UPDATE mailorigin_meta SET value = '1' WHERE name = 'schema'"});
  EXPECT_TRUE(must(open_reader()->refused_connections(1, 10)).empty());
  std::vector<std::string> steps;
  const auto note = [&](const Migration& each) { steps.push_back(each.text()); };
  must_not_fail(open_writer("journal", note)->store({}, 2));
  ASSERT_EQ(steps.size(), 6U);
  EXPECT_EQ(steps.front(), "from version 1 to 5, step 1 of 6");
  EXPECT_EQ(steps.back(), "from version 1 to 5, step 6 of 6");
  expect_found(old);
  EXPECT_EQ(of_version_4(), 3U);
  open_writer("journal", note);
  EXPECT_EQ(steps.size(), 6U) << "it is up to date";
}

TEST_P(Versions, WhatCannotBeBroughtUpToDateStaysAsItIs) {
  const Event old = mail(now_ms, "old");
  make_version_4(old);
  run({"DROP INDEX mailorigin_name_seen", "CREATE TABLE mailorigin_key (of_somebody_else BIGINT)",
       "UPDATE mailorigin_meta SET value = '3' WHERE name = 'schema'"});
  const auto writer = Writer::open(driver(), params(), "journal");
  ASSERT_FALSE(writer);
  const std::string& said = writer.error().message;
  // Of SQLite the table of its parts comes first.
  const std::string step = driver() == "sqlite3" ? "3 of 4" : "2 of 4";
  EXPECT_TRUE(said.starts_with("its tables cannot be brought from version 3 to 5, step " + step))
      << said;
  EXPECT_NE(said.find("mailorigin_key"), std::string::npos) << said;
  run({"DROP TABLE mailorigin_key"});
  must_not_fail(open_writer()->store({}, 2));
  expect_found(old);
}

}  // namespace

}  // namespace mailorigin::store
