// What is true of the store on every database.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <fstream>
#include <optional>
#include <string>
#include <utility>
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

class Store : public testing::StoreTest {};
INSTANTIATE_TEST_SUITE_P(Databases, Store, testing::both_databases(), testing::driver_name);

TEST_P(Store, KeepsAnEventAndFindsItByWhatItHas) {
  Event event = sample(now_ms);
  event.set(Field::to, "Someone <some.one@Example.ORG>, other@example.net");
  event.set(Field::headers, "Cc: third@example.org\r\nX-Secret: of the mail");
  event.set(Field::message_id, "<one@shop.example>");
  event.set(Field::size, UINT64_MAX);  // no database has such a number
  auto writer = open_writer();
  ASSERT_TRUE(writer->store(std::vector{event}, 100));

  auto reader = open_reader();
  for (const Search& search :
       {Search{.id = event.get(Field::id)}, Search{.request_id = event.get(Field::request_id)},
        Search{.message_id = " one@shop.example>"}, Search{.recipient = "third@example.org"},
        Search{.from_ms = now_ms, .to_ms = now_ms}}) {
    const auto found = must(reader->find(search));
    ASSERT_EQ(found.size(), 1U);
    for (const Column& column : event_columns()) {
      if (column.field == Field::size || column.field == Field::to) continue;
      EXPECT_EQ(found[0].get(column.field), event.get(column.field)) << column.name();
    }
    EXPECT_EQ(found[0].get(Field::size), "");
    EXPECT_EQ(found[0].get(Field::to),
              "some.one@example.org, other@example.net, third@example.org");
    EXPECT_EQ(found[0].get(Field::headers), "");
  }
  EXPECT_TRUE(must(reader->find({.recipient = "nobody@example.org"})).empty());
  EXPECT_TRUE(must(reader->find({})).empty());
}

TEST_P(Store, TakesAnyBytes) {
  Event event = sample(now_ms);
  std::string bytes;
  for (int i = 0; i < 256; i++) bytes += static_cast<char>(i);
  for (std::size_t i = 0; i < field_count; i++) {
    const auto field = static_cast<Field>(i);
    if (info(field).type == FieldType::text && field != Field::id && field != Field::time) {
      event.set(field, bytes + std::string(20'000, 'x'));
    }
  }
  event.set(Field::to, bytes + ", '\"; DROP TABLE mailorigin_event; -- %s %lld@example.org");
  ASSERT_TRUE(must_not_fail(open_writer()->store(std::vector{event}, 1)));
  const auto found = must(open_reader()->find({.id = event.get(Field::id)}));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].get(Field::user).substr(0, 12), "\\x00\\x01\\x02");
}

TEST_P(Store, GoesOnWhereItWas) {
  EXPECT_EQ(open_writer()->position(), std::nullopt);
  ASSERT_TRUE(open_writer()->store({}, 7));
  auto writer = open_writer();
  EXPECT_EQ(writer->position(), 7U);
  ASSERT_TRUE(writer->store(std::vector{sample(now_ms)}, 12));
  EXPECT_EQ(open_writer()->position(), 12U);
  // Another journal is another matter.
  EXPECT_EQ(open_writer("other journal")->position(), std::nullopt);
}

TEST_P(Store, RefusesASecondWriterOfTheSameJournal) {
  auto one = open_writer();
  auto two = open_writer();
  ASSERT_TRUE(one->store(std::vector{sample(now_ms)}, 10));
  const Status stored = two->store(std::vector{sample(now_ms)}, 10);
  ASSERT_FALSE(stored);
  EXPECT_NE(stored.error().message.find("somebody else"), std::string::npos);
  EXPECT_EQ(all_events(), 1U);
}

TEST_P(Store, StoresAllOrNothing) {
  auto writer = open_writer();
  ASSERT_TRUE(writer->store({}, 1));
  // In the middle of a batch the database refuses.
  must_not_fail(raw()->run("DROP TABLE mailorigin_hour"));
  EXPECT_FALSE(writer->store(std::vector{sample(now_ms), sample(now_ms)}, 2));
  EXPECT_EQ(all_events(), 0U);
  EXPECT_EQ(writer->position(), 1U);
}

TEST_P(Store, CountsWhoSentHowMuch) {
  std::vector<Event> events;
  for (int i = 0; i < 100; i++) {
    Event event = sample(now_ms - 5 * minute_ms);
    event.set(Field::recipients, std::uint64_t{2});
    event.set(Field::to, "a@example.org, b@example.net");
    if (i % 10 == 0) event.set(Field::verdict, "deny");
    if (i % 10 == 1) event.set(Field::verdict, "hold");
    events.push_back(event);
  }
  Event other = sample(now_ms - 20 * hour_ms);
  other.set(Field::entry, "/srv/shop/other.php");
  events.push_back(other);
  Event connection = sample(now_ms);
  connection.set(Field::kind, "smtp");
  events.push_back(connection);
  ASSERT_TRUE(must_not_fail(open_writer()->store(events, 1)));

  auto reader = open_reader();
  const auto hour = must(reader->top(Per::script, now_ms - hour_ms, now_ms, 10));
  ASSERT_EQ(hour.size(), 1U);
  EXPECT_EQ(hour[0].name, "/srv/shop/index.php");
  EXPECT_EQ(hour[0].counts, (Counts{100, 200, 10, 10}));
  EXPECT_EQ(hour[0].first_seen_ms, now_ms - 5 * minute_ms);
  const auto day = must(reader->top(Per::vhost, now_ms - 24 * hour_ms, now_ms, 10));
  ASSERT_EQ(day.size(), 1U);
  EXPECT_EQ(day[0].counts.mails, 101U);
  const auto domains = must(reader->top(Per::recipient_domain, now_ms - hour_ms, now_ms, 10));
  ASSERT_EQ(domains.size(), 2U);
  EXPECT_EQ(domains[0].counts, (Counts{100, 100, 10, 10}));
  EXPECT_EQ(must(reader->top(Per::script, now_ms - 24 * hour_ms, now_ms, 1)).size(), 1U);

  const Sent sent = must(reader->sent(Per::script, "/srv/shop/other.php", now_ms));
  EXPECT_EQ(sent.hour, Counts{});
  EXPECT_EQ(sent.day, (Counts{1, 1, 0, 0}));
  EXPECT_EQ(sent.week, (Counts{1, 1, 0, 0}));
  EXPECT_EQ(sent.first_seen_ms, now_ms - 20 * hour_ms);
  EXPECT_EQ(must(reader->sent(Per::script, "/srv/shop/index.php", now_ms)).hour,
            (Counts{100, 200, 10, 10}));
  EXPECT_EQ(must(reader->sent(Per::script, "/none.php", now_ms)).first_seen_ms, std::nullopt);
}

TEST_P(Store, CountsNobodysWordForAnothersScript) {
  std::vector<Event> events = {sample(now_ms), sample(now_ms), sample(now_ms)};
  for (Event* const event : {&events[0], &events[1]}) {
    event->set(Field::verified, false);
    event->set(Field::uid, "1002");
  }
  ASSERT_TRUE(must_not_fail(open_writer()->store(events, 1)));
  auto reader = open_reader();
  const auto rows = must(reader->top(Per::script, now_ms - hour_ms, now_ms, 10));
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].name, "/srv/shop/index.php (says uid 1002)");
  EXPECT_EQ(rows[0].counts.mails, 2U);
  EXPECT_EQ(rows[1].name, "/srv/shop/index.php");
  EXPECT_EQ(rows[1].counts.mails, 1U);
  EXPECT_EQ(must(reader->sent(Per::script, counted_script(events[0]), now_ms)).hour.mails, 2U);
  EXPECT_EQ(must(reader->sent(Per::script, counted_script(events[2]), now_ms)).hour.mails, 1U);
}

// now_ms is no whole hour: each of a span's minutes is counted once.
TEST_P(Store, CountsEachMinuteOnce) {
  std::vector<Event> events;
  for (std::uint64_t minute = 1; minute <= 24 * 60; minute++) {
    events.push_back(sample(now_ms - minute * minute_ms));
  }
  ASSERT_TRUE(must_not_fail(open_writer()->store(events, 1)));
  auto reader = open_reader();
  for (const std::uint64_t minutes : {1, 20, 40, 60, 61, 119, 120, 200, 1439}) {
    const auto rows = must(reader->top(Per::script, now_ms - minutes * minute_ms, now_ms, 1));
    EXPECT_EQ(rows.at(0).counts.mails, minutes) << minutes;
  }
}

TEST_P(Store, KnowsWhatIsUsual) {
  std::vector<Event> events;
  for (std::uint64_t day = 1; day <= 28; day++) {
    for (std::uint64_t i = 0; i < day; i++) {
      events.push_back(sample(now_ms - day * day_ms - 10 * minute_ms));
    }
  }
  events.push_back(sample(now_ms));
  ASSERT_TRUE(must_not_fail(open_writer()->store(events, 1)));
  const auto rows = must(open_reader()->top(Per::script, now_ms - hour_ms, now_ms, 1));
  EXPECT_EQ(rows.at(0).usual, 14U);
  const auto half = must(open_reader()->top(Per::script, now_ms - hour_ms / 2, now_ms, 1));
  EXPECT_EQ(half.at(0).usual, 7U);
}

TEST_P(Store, ForgetsWhatIsTooOld) {
  std::vector<Event> events;
  for (int i = 0; i < 2500; i++) {
    Event event = sample(now_ms - 40 * day_ms + static_cast<std::uint64_t>(i));
    event.set(Field::entry, "/srv/old/" + std::to_string(i) + ".php");
    events.push_back(event);
  }
  auto writer = open_writer();
  must_not_fail(writer->store(events, 1));
  events.clear();
  for (std::uint64_t i = 0; i < 10; i++) events.push_back(sample(now_ms - day_ms - i));
  must_not_fail(writer->store(events, 2));
  EXPECT_EQ(rows_of("mailorigin_key"), 2510U);
  while (must(writer->remove_older(now_ms, 30 * day_ms))) {
  }
  EXPECT_EQ(all_events(), 10U);
  EXPECT_EQ(rows_of("mailorigin_key"), 10U);
  EXPECT_EQ(rows_of("mailorigin_name WHERE text LIKE '/srv/old/%'"), 0U);
  EXPECT_EQ(rows_of("mailorigin_hour"), 6U);
  // And names that are gone come again.
  Event again = sample(now_ms);
  again.set(Field::entry, "/srv/old/1.php");
  ASSERT_TRUE(must_not_fail(writer->store(std::vector{again}, 3)));
  EXPECT_EQ(must(open_reader()->find({.id = again.get(Field::id)})).at(0).get(Field::entry),
            "/srv/old/1.php");
}

TEST_P(Store, RefusesANewerVersion) {
  must_not_fail(open_writer()->store({}, 1));
  must_not_fail(raw()->run("UPDATE mailorigin_meta SET value = '99' WHERE name = 'schema'"));
  const auto writer = Writer::open(driver(), params(), "journal");
  ASSERT_FALSE(writer);
  EXPECT_NE(writer.error().message.find("of version 99, of a newer MailOrigin"), std::string::npos)
      << writer.error().message;
  EXPECT_FALSE(Reader::open(driver(), params()));
}

TEST_P(Store, GetsTheColumnsOfFieldsThatHaveCome) {
  Event event = sample(now_ms);
  {
    auto writer = open_writer();
    ASSERT_TRUE(writer->store(std::vector{event}, 1));
  }
  // As a version left it that knew no `comm`.
  must_not_fail(raw()->run("ALTER TABLE mailorigin_event DROP COLUMN \"comm\""));
  const auto listed =
      must(raw()->select("SELECT value FROM mailorigin_meta WHERE name = 'columns'"));
  std::string columns = " " + listed.at(0).at(0).value() + " ";
  columns.erase(columns.find(" comm "), 5);
  must_not_fail(
      raw()->run("UPDATE mailorigin_meta SET value = '" + columns + "' WHERE name = 'columns'"));
  EXPECT_EQ(must(open_reader()->find({.id = event.get(Field::id)})).at(0).get(Field::comm), "");
  Event next = sample(now_ms);
  next.set(Field::comm, "php-fpm8.2");
  ASSERT_TRUE(must_not_fail(open_writer()->store(std::vector{next}, 2)));
  EXPECT_EQ(must(open_reader()->find({.id = next.get(Field::id)})).at(0).get(Field::comm),
            "php-fpm8.2");
}

// One reader's long look keeps nobody waiting: a day is dropped when it is over.
TEST_P(Store, ForgetsBesideWhoReads) {
  auto writer = open_writer();
  must_not_fail(writer->store(std::vector{sample(now_ms - 40 * day_ms), sample(now_ms)}, 1));
  auto other = raw();
  must_not_fail(other->run("BEGIN"));
  must(other->select("SELECT COUNT(*) FROM mailorigin_event"));
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 20 && must(writer->remove_older(now_ms, 30 * day_ms)); i++) {
  }
  must_not_fail(writer->store(std::vector{sample(now_ms)}, 2));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(8));
  must_not_fail(other->run("COMMIT"));
  while (must(writer->remove_older(now_ms, 30 * day_ms))) {
  }
  EXPECT_EQ(all_events(), 2U);
}

// Others may have the same number, or the same millisecond.
TEST_P(Store, FindsNothingButWhatIsMeant) {
  Event asked = sample(now_ms), other = sample(now_ms);
  asked.set(Field::to, "a@example.org, b@example.org");
  asked.set(Field::message_id, "<a\x01@shop.example>");
  other.set(Field::to, "aa@example.org");
  other.set(Field::message_id, "<b@shop.example>");
  must_not_fail(open_writer()->store(std::vector{asked, other}, 1));
  for (const auto& [from, to] :
       {std::pair{recipient_key("b@example.org"), recipient_key("c@example.org")},
        {message_key("b@shop.example"), message_key("c")}}) {
    must_not_fail(raw()->run("UPDATE mailorigin_key SET key = " + std::to_string(to) +
                             " WHERE key = " + std::to_string(from)));
  }
  auto reader = open_reader();
  EXPECT_TRUE(must(reader->find({.recipient = "c@example.org"})).empty());
  EXPECT_TRUE(must(reader->find({.message_id = "c"})).empty());
  EXPECT_EQ(must(reader->find({.recipient = "a@example.org"})).size(), 1U);
  EXPECT_EQ(must(reader->find({.message_id = "a\x01@shop.example"})).size(), 1U);
  EXPECT_TRUE(must(reader->find({.recipient = "a@example.org", .to_ms = now_ms - 1})).empty());
}

Event passage(const Event& mail, const char* queue_id, const char* message_id) {
  Event event = sample(now_ms);
  event.set(Field::kind, queue_kind);
  event.set(Field::mail_id, mail.get(Field::id));
  event.set(Field::queue_id, queue_id);
  event.set(Field::message_id, message_id);
  return event;
}

TEST_P(Store, GivesAMailItsQueueId) {
  Event with = sample(now_ms);
  with.set(Field::message_id, "<own@shop.example>");
  const Event without = sample(now_ms);
  const Event of_nobody = passage(sample(now_ms), "4C", "<c@mx>");
  auto writer = open_writer();
  must_not_fail(writer->store(std::vector{with, passage(with, "4A", "<a@mx>"), of_nobody}, 1));
  must_not_fail(writer->store(std::vector{without}, 2));
  must_not_fail(writer->store(std::vector{passage(without, "4B", "<b@mx>")}, 3));
  EXPECT_EQ(all_events(), 3U) << "what has come by is not one, but where its mail is not known";
  const auto found = [&](const char* queue_id) {
    return must(open_reader()->find({.queue_id = queue_id})).at(0);
  };
  EXPECT_EQ(found("4A").get(Field::id), with.get(Field::id));
  EXPECT_EQ(found("4A").get(Field::message_id), "<own@shop.example>");
  EXPECT_EQ(found("4B").get(Field::id), without.get(Field::id));
  EXPECT_EQ(found("4B").get(Field::message_id), "<b@mx>");
  EXPECT_EQ(must(open_reader()->find({.message_id = "b@mx"})).size(), 1U);
  EXPECT_EQ(found("4C").get(Field::id), of_nobody.get(Field::id));
  EXPECT_TRUE(must(open_reader()->find({.queue_id = "4D"})).empty());
}

TEST_P(Store, IsNotThereBeforeItsWriter) {
  const auto reader = Reader::open(driver(), params());
  ASSERT_FALSE(reader);
  EXPECT_NE(reader.error().message.find("there is no store in it"), std::string::npos);
}

// ---- SQLite's file

class File : public testing::SqliteFile {};

TEST_F(File, OfSomethingElseIsLeftAlone) {
  auto database = must(Database::open("sqlite3", path()));
  must_not_fail(database->run("CREATE TABLE guests (name TEXT)"));
  const auto writer = Writer::open("sqlite3", path(), "journal");
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().message, "it is a database of something else (it has a table guests)");
}

TEST_F(File, ThatIsNoneSaysSo) {
  std::ofstream(path()) << std::string(10'000, 'x');
  const auto writer = Writer::open("sqlite3", path(), "journal");
  ASSERT_FALSE(writer);
  EXPECT_NE(writer.error().message.find("file is not a database"), std::string::npos)
      << writer.error().message;
}

TEST_F(File, ThatIsDamagedIsNoEndOfTheWriter) {
  std::vector<Event> events;
  for (int i = 0; i < 3000; i++) events.push_back(sample(now_ms));
  {
    auto writer = must(Writer::open("sqlite3", path(), "journal"));
    must_not_fail(writer->store(events, 1));
  }
  {
    std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);
    file << std::string(200'000, '\xEE');
  }
  const auto writer = Writer::open("sqlite3", path(), "journal");
  if (writer) {
    EXPECT_FALSE((*writer)->store(events, 2));
  } else {
    EXPECT_NE(writer.error().message.find("malformed"), std::string::npos)
        << writer.error().message;
  }
}

TEST_F(File, IsItsOwnersAlone) {
  const mode_t before = umask(077);
  must(Writer::open("sqlite3", path(), "journal"));
  umask(before);
  struct stat status {};
  ASSERT_EQ(stat(path().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
}

TEST(Driver, ThatIsNotKnownIsNamed) {
  const auto writer = Writer::open("oracle", "", "journal");
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().message, "'oracle' is none of sqlite3 and pgsql");
}

TEST(Columns, AreThoseOfEvents) {
  // A field without a column is one that somebody decided to leave out.
  EXPECT_EQ(event_columns().size() + 1, field_count);
  EXPECT_EQ(event_columns().front().field, Field::id);
}

}  // namespace

}  // namespace mailorigin::store
