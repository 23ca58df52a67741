// The running daemon and its store: each event once, and nobody waits for the database.
#include "mailorigind/feeding/store_feed.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "core/default_paths.h"
#include "core/event.h"
#include "core/name_values.h"
#include "core/ulid.h"
#include "mailorigind/journal/event_record.h"
#include "mailorigind/limits.h"
#include "mailorigind/moment.h"
#include "store/database.h"
#include "store/reader.h"
#include "store/writer.h"
#include "tests/daemon/running_daemon.h"
#include "tests/harness/postgres.h"

namespace mailorigin::daemon {

namespace {

using namespace testing;

class StoreFeedTest : public DaemonTest {
 protected:
  std::string use(const StorePolicy& store) {
    const Fd log = open_log(log_);
    policy_ = simple_policy(log_, format, tenant);
    policy_.store = store;
    return control_->push(policy_, host_.key, {log.get()});
  }
  [[nodiscard]] std::string file() const { return default_store(host_.state_directory); }

  // Each is answered, and soon.
  void ask(int count) {
    RawClient client(host_.question_socket);
    for (int i = 0; i < count; i++) {
      const auto answer = client.ask(mail_question("mail " + std::to_string(asked_++)));
      ASSERT_TRUE(answer);
      ASSERT_TRUE(answer->recorded);
    }
  }

  void restart() {
    host_.kill_now();
    host_.start();
    control_.emplace(host_.control_socket);
    const Fd log = open_log(log_);
    ASSERT_EQ(control_->push(policy_, host_.key, {log.get()}), "");
  }

  // What the store has, in rows, by subjects, and by what was counted: equal, or an event is
  // in it twice or in part.
  void expect_all(const std::string& driver, const std::string& params) {
    std::vector<Event> found;
    const bool all = eventually([&] {
      // Opened by name before the daemon has made it, it would be root's.
      if (driver == "sqlite3" && access(params.c_str(), F_OK) != 0) return false;
      auto reader = store::Reader::open(driver, params);
      if (!reader) return false;
      auto events = (*reader)->find({.from_ms = 1, .most = 1'000'000});
      if (events) found = *std::move(events);
      return found.size() >= static_cast<std::size_t>(asked_);
    });
    EXPECT_TRUE(all);
    EXPECT_EQ(found.size(), static_cast<std::size_t>(asked_));
    std::set<std::string> subjects;
    for (const Event& event : found) subjects.insert(event.get(Field::subject));
    EXPECT_EQ(subjects.size(), static_cast<std::size_t>(asked_));
    auto reader = store::Reader::open(driver, params);
    ASSERT_TRUE(reader);
    const std::uint64_t now = Moment::now().wall_ms;
    const auto rows = (*reader)->top(store::Per::script, now - store::hour_ms, now, 10);
    ASSERT_TRUE(rows);
    ASSERT_EQ(rows->size(), 1U);
    EXPECT_EQ(rows->front().counts.mails, static_cast<std::uint64_t>(asked_));
  }

  Policy policy_;
  int asked_ = 0;
};

TEST_F(StoreFeedTest, HasEachEventOnceAfterKills) {
  ASSERT_EQ(use({}), "");
  for (int i = 0; i < 6; i++) {
    ask(200);
    if (i % 2 == 0) usleep(static_cast<useconds_t>(40'000 * i));
    restart();
  }
  expect_all("sqlite3", file());
}

TEST_F(StoreFeedTest, PassesOverTicketsThatWereShown) {
  ASSERT_EQ(use({}), "");
  RawClient client(host_.question_socket);
  for (int round = 0; round < 3; round++) {
    Question mail = mail_question("mail " + std::to_string(asked_++));
    mail.recipients = RecipientDigest{1};
    const auto answer = client.ask(mail);
    ASSERT_TRUE(answer);
    Question submission = mail_question("the same, on its way");
    submission.submitted = true;
    submission.recipients = mail.recipients;
    submission.ticket = answer->id;
    const auto again = client.ask(submission);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->id, answer->id);
  }
  expect_all("sqlite3", file());
}

TEST_F(StoreFeedTest, WaitsForALockThatNobodyElseWaitsFor) {
  ASSERT_EQ(use({}), "");
  ask(10);
  expect_all("sqlite3", file());
  {
    auto other = store::Database::open("sqlite3", file());
    ASSERT_TRUE(other);
    ASSERT_TRUE((*other)->run("BEGIN IMMEDIATE"));
    const auto begin = std::chrono::steady_clock::now();
    ask(500);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, patience / 2);
    EXPECT_TRUE(eventually([&] { return read_lines(log_).size() == 510; }));
    EXPECT_NE(control_->notice_with("MO0520").find("locked"), std::string::npos);
    ASSERT_TRUE((*other)->run("ROLLBACK"));
  }
  expect_all("sqlite3", file());
  EXPECT_NE(control_->notice_with("MO0521"), "");
}

TEST_F(StoreFeedTest, PassesOverWhatTheDatabaseRefuses) {
  PostgresServer server;
  ASSERT_EQ(use({true, "pgsql", server.params(), 30}), "");
  ask(10);
  expect_all("pgsql", server.params());
  auto other = store::Database::open("pgsql", server.params());
  ASSERT_TRUE(other);
  ASSERT_TRUE(
      (*other)->run("ALTER TABLE mailorigin_event ADD CONSTRAINT strict "
                    "CHECK (subject NOT LIKE 'refused%')"));
  RawClient client(host_.question_socket);
  std::string first;
  for (int i = 0; i < 3; i++) {
    const auto answer = client.ask(mail_question("refused " + std::to_string(i)));
    ASSERT_TRUE(answer);
    if (i == 0) first = answer->id;
    ask(10);
  }
  expect_all("pgsql", server.params());
  const std::string path = host_.state_directory + "/refused-by-store";
  const auto lines = read_lines(path);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_NE(lines[0].find("refused 0"), std::string::npos) << lines[0];
  const std::string said = control_->notice_with("MO0522");
  EXPECT_NE(said.find(first), std::string::npos) << said;
  EXPECT_NE(said.find("strict"), std::string::npos) << said;
  EXPECT_NE(said.find(path), std::string::npos) << said;
}

TEST_F(StoreFeedTest, TakesHostileText) {
  const std::string hostile[] = {
      std::string("nul \0 inside", 12), "\xff\xfe\xc0\xaf",    "\xed\xa0\x80 surrogate",
      "half a character \xf0\x9f\x98",  "\xe2\x80\xae turned", std::string(2 << 20, 'x')};
  PostgresServer server;
  for (const std::string driver : {"sqlite3", "pgsql"}) {
    const std::string params = driver == "pgsql" ? server.params() : file();
    ASSERT_EQ(use({true, driver, driver == "pgsql" ? params : "", 30}), "");
    for (const std::string& text : hostile) {
      Question question = mail_question(text);
      for (const Field field : {Field::to, Field::from, Field::message_id, Field::entry}) {
        question.claims.set(field, text);
      }
      const auto answer = RawClient(host_.question_socket).ask(question);
      ASSERT_TRUE(answer);
      const std::string id = answer->id;
      EXPECT_TRUE(eventually([&] {
        if (driver == "sqlite3" && access(params.c_str(), F_OK) != 0) return false;
        auto reader = store::Reader::open(driver, params);
        if (!reader) return false;
        const auto found = (*reader)->find({.id = id});
        return found && found->size() == 1;
      })) << text.substr(0, 30);
    }
  }
  EXPECT_NE(access((host_.state_directory + "/refused-by-store").c_str(), F_OK), 0);
}

TEST_F(StoreFeedTest, LeavesWhatIsNotItsOwnAlone) {
  const std::string path = host_.state_directory + "/notes";
  std::ofstream(path) << std::string(5000, 'x');
  ASSERT_EQ(chown(path.c_str(), 65534, 65534), 0);
  ASSERT_EQ(use({true, "sqlite3", path, 30}), "");
  ask(10);
  EXPECT_NE(control_->notice_with("MO0520").find("not a database"), std::string::npos);
  EXPECT_EQ(read_whole(path), std::string(5000, 'x'));
  // Another one, and all is there.
  ASSERT_EQ(use({}), "");
  expect_all("sqlite3", file());
}

TEST_F(StoreFeedTest, OutlivesItsServer) {
  PostgresServer server;
  const std::string params = server.params();
  ASSERT_EQ(use({true, "pgsql", params, 30}), "");
  ask(200);
  for (int i = 0; i < 3; i++) {
    ask(200);
    server.kill_now();
    ask(200);
    restart();
    server.start();
    ask(200);
  }
  expect_all("pgsql", params);
}

TEST_F(StoreFeedTest, EndsBesideAServerThatSaysNothing) {
  PostgresServer server;
  ASSERT_EQ(use({true, "pgsql", server.params(), 30}), "");
  ask(10);
  expect_all("pgsql", server.params());
  server.pause();
  ask(500);
  usleep(2 * store_interval_ms * 1000);
  EXPECT_EQ(host_.terminate(), 0);
  server.go_on();
  host_.start();
  control_.emplace(host_.control_socket);
  const Fd log = open_log(log_);
  ASSERT_EQ(control_->push(policy_, host_.key, {log.get()}), "");
  expect_all("pgsql", server.params());
}

TEST_F(StoreFeedTest, IsNotThereWhereItIsOff) {
  ASSERT_EQ(use({false, "", "", 30}), "");
  ask(10);
  EXPECT_TRUE(eventually([&] { return read_lines(log_).size() == 10; }));
  EXPECT_NE(access(file().c_str(), F_OK), 0);
}

// Of each thread of that process: name, nice value and scheduling policy.
std::map<std::string, std::pair<long, int>> threads_of(pid_t pid) {
  std::map<std::string, std::pair<long, int>> threads;
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/task")) {
    const auto tid = static_cast<pid_t>(std::stol(task.path().filename()));
    const auto name = read_lines(task.path() / "comm");
    if (name.empty()) continue;  // it has ended
    threads[name.front()] = {getpriority(PRIO_PROCESS, static_cast<id_t>(tid)),
                             sched_getscheduler(tid)};
  }
  return threads;
}

TEST_F(StoreFeedTest, GivesWayToWhoAnswers) {
  ASSERT_EQ(use({}), "");
  // It steps back once it runs, which is a moment after it has its name.
  EXPECT_TRUE(eventually([&] {
    return threads_of(host_.pid())["store"] == std::pair{10L, SCHED_BATCH};
  }));
  EXPECT_EQ(threads_of(host_.pid())["mailorigind"], (std::pair{-10L, SCHED_OTHER}));
}

class FeedInProcessTest : public ::testing::Test {
 protected:
  FeedInProcessTest() {
    auto journal = Journal::open(directory_.path(), 0, notices_, [](auto, auto) {});
    journal_ = *std::move(journal);
    retention_ = std::make_unique<Retention>(*journal_);
    feed_ = std::make_unique<StoreFeed>(*journal_, *retention_, notices_, directory_.path(),
                                        *journal_name(directory_.path()));
  }

  // So many events, each of more than 200 KB.
  void append(int count) {
    for (int i = 0; i < count; i++) {
      Event event;
      event.set(Field::id, ids_.next(Moment::now().wall_ms).text());
      event.set(Field::kind, "mail");
      event.set(Field::time, rfc3339(Moment::now().wall_ms));
      std::string batch;
      const std::size_t begin = begin_record(batch);
      append_payload(batch, 0, Answer(), event);
      NameValueWriter(batch).add("@padding", std::string(200'000, 'x'));
      end_record(batch, begin);
      ASSERT_TRUE(journal_->append(batch));
    }
  }

  bool says(const std::string& text) {
    return eventually([&] {
      for (const Notice& notice : notices_.take()) said_ += notice.text + '\n';
      return said_.find(text) != std::string::npos;
    });
  }

  TestDirectory directory_;
  service::NoticeBoard notices_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Retention> retention_;
  std::unique_ptr<StoreFeed> feed_;
  UlidGenerator ids_;
  std::string said_;
};

// As version 3 made it, without an event.
void make_older(const std::string& file) {
  ASSERT_TRUE(store::Writer::open("sqlite3", file, "another"));
  auto database = *store::Database::open("sqlite3", file);
  for (const char* sql : {"DROP TABLE mailorigin_key", "DROP TABLE mailorigin_part",
                          "DROP INDEX mailorigin_name_seen",
                          "CREATE TABLE mailorigin_recipient (event TEXT, address TEXT)",
                          "CREATE INDEX mailorigin_event_message ON mailorigin_event (message_id)",
                          "CREATE INDEX mailorigin_event_queue ON mailorigin_event (queue_id)",
                          "UPDATE mailorigin_meta SET value = '3' WHERE name = 'schema'"}) {
    ASSERT_TRUE(database->run(sql)) << sql;
  }
}

TEST_F(FeedInProcessTest, TablesOfAnOlderVersionAreBroughtUpAndThatIsSaidOnce) {
  const std::string file = default_store(directory_.path());
  make_older(file);
  auto other = *store::Database::open("sqlite3", file);
  ASSERT_TRUE(other->run("CREATE TABLE mailorigin_part (of_somebody_else BIGINT)"));
  feed_->start();
  feed_->adopt({});
  EXPECT_TRUE(says("MO0520"));
  const std::string tables = "the tables of the store (sqlite3 " + file + ") ";
  EXPECT_TRUE(says("MO0284: " + tables + "are to be brought from version 3 to 5"));
  EXPECT_TRUE(says("its tables cannot be brought from version 3 to 5, step 2 of 4: "));
  EXPECT_EQ(feed_->standing().work, "");
  EXPECT_EQ(notices_.lasting().size(), 2U);
  ASSERT_TRUE(other->run("DROP TABLE mailorigin_part"));
  EXPECT_TRUE(says("MO0285: " + tables + "have been brought from version 3 to 5"));
  EXPECT_TRUE(says("MO0521")) << "also where there is nothing to write";
  append(1);
  EXPECT_EQ(said_.find("MO0284"), said_.rfind("MO0284"));
  EXPECT_TRUE(notices_.lasting().empty());
  EXPECT_TRUE(eventually([&] { return feed_->position() == journal_->end(); }));
}

// What is more than its share is lost to it, and that is said; as is that it has all the rest.
TEST_F(FeedInProcessTest, LostEventsAreCountedAndTold) {
  feed_->start();
  feed_->adopt({});
  append(1);
  ASSERT_TRUE(eventually([&] { return feed_->position() == journal_->end(); }));
  const std::string file = default_store(directory_.path());
  auto locking = *store::Database::open("sqlite3", file);
  auto lock = std::make_unique<store::Transaction>(*locking);
  ASSERT_TRUE(lock->begin());
  append(99);
  const auto segments = journal_->segments();
  ASSERT_EQ(segments.size(), 2U);
  const std::uint64_t lost = feed_->lose(segments.front());
  EXPECT_GT(lost, 50U);
  EXPECT_LT(lost, 100U);
  EXPECT_EQ(feed_->position(), segments.front().end);
  EXPECT_TRUE(says("MO0277"));
  EXPECT_TRUE(says("missing in it, at first " + std::to_string(lost) + ";"));

  lock.reset();
  EXPECT_TRUE(says("MO0278"));
  EXPECT_TRUE(says(std::to_string(lost) + " events in all"));
  EXPECT_TRUE(notices_.lasting().empty());
  auto reader = store::Reader::open("sqlite3", file);
  ASSERT_TRUE(reader);
  EXPECT_EQ((*reader)->find({.from_ms = 1, .most = 1000})->size(), 100 - lost);
}

TEST(JournalName, StaysOnceItIsMade) {
  const TestDirectory directory;
  const auto name = journal_name(directory.path());
  ASSERT_TRUE(name);
  EXPECT_EQ(name->size(), Ulid::text_length);
  EXPECT_EQ(*journal_name(directory.path()), *name);
  const TestDirectory other;
  EXPECT_NE(*journal_name(other.path()), *name);
  EXPECT_FALSE(journal_name("/nowhere"));
}

}  // namespace

}  // namespace mailorigin::daemon
