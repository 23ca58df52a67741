// The store: how fast it takes events, what one costs on disk, how fast it answers.
//
//   bench_store [sqlite3 FILE|pgsql PARAMS] [EVENTS] [DAYS]
//
// It makes up EVENTS events over DAYS days of 2,000 scripts on 500 sites, a few of which
// send most, stores and forgets them in batches as the daemon does, and asks what the command line
// asks. DAYS may be a part of one: the more come in a minute, the fewer sums there are for each.
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "bench/contained.h"
#include "bench/result.h"
#include "core/name_values.h"
#include "core/ulid.h"
#include "store/database.h"
#include "store/reader.h"
#include "store/writer.h"
#include "tests/harness/postgres.h"

namespace {

using namespace mailorigin;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t batch_size = 4000;  // about store_batch of the journal
constexpr std::uint64_t day_ms = 86'400'000;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

[[noreturn]] void fail(const std::string& what, const Error& error) {
  std::fprintf(stderr, "bench_store: %s: %s\n", what.c_str(), error.message.c_str());
  std::exit(1);
}

// A typical host's events: a few scripts send most, recipients are many.
class Generator {
 public:
  Event next(std::uint64_t time_ms) {
    Event event;
    const std::size_t script = std::min<std::size_t>(
        static_cast<std::size_t>(std::exponential_distribution<>(1.0 / 200)(random_)), 1999);
    const std::string site = "site" + std::to_string(script / 4) + ".example";
    const std::string root = "/var/www/" + site + "/htdocs";
    event.set(Field::time, rfc3339(time_ms));
    event.set(Field::id, ids_.next(time_ms).text());
    event.set(Field::host, "web1.hosting.example");
    event.set(Field::kind, "mail");
    event.set(Field::verdict, random_() % 50 == 0 ? "deny" : "allow");
    event.set(Field::verified, true);
    event.set(Field::vhost, site + ":443");
    event.set(Field::docroot, root);
    event.set(Field::entry, root + "/index" + std::to_string(script % 4) + ".php");
    event.set(Field::file, root + "/wp-includes/PHPMailer/PHPMailer.php");
    event.set(Field::line, std::uint64_t{1872});
    event.set(Field::caller, root + "/wp-content/plugins/form" + std::to_string(script % 4) +
                                 "/send.php:" + std::to_string(40 + script % 100));
    event.set(Field::stack, event.get(Field::file) + ":1872 < " + event.get(Field::caller));
    event.set(Field::function, "mail");
    event.set(Field::sapi, "fpm-fcgi");
    event.set(Field::pool, site);
    event.set(Field::pid, std::uint64_t{1000 + random_() % 30'000});
    event.set(Field::uid, std::uint64_t{10'000 + script / 4});
    event.set(Field::gid, std::uint64_t{10'000 + script / 4});
    event.set(Field::user, "web" + std::to_string(script / 4));
    event.set(Field::client,
              "198.51." + std::to_string(random_() % 100) + '.' + std::to_string(random_() % 256));
    event.set(Field::method, "POST");
    event.set(Field::uri, "/kontakt/?step=2");
    event.set(Field::request_id, ids_.next(time_ms).text());
    event.set(Field::to, "customer" + std::to_string(random_() % 1'000'000) + "@mail" +
                             std::to_string(random_() % 500) + ".example.org");
    event.set(Field::from, "info@" + site);
    event.set(Field::recipients, std::uint64_t{1});
    event.set(Field::subject, "Your order no. " + std::to_string(random_() % 1'000'000));
    event.set(Field::headers, "From: info@" + site + "\r\nContent-Type: text/plain; charset=utf-8");
    event.set(Field::message_id, '<' + ids_.next(time_ms).text() + '@' + site + '>');
    event.set(Field::size, std::uint64_t{random_() % 20'000});
    return event;
  }

 private:
  std::mt19937_64 random_{7};
  UlidGenerator ids_;
};

double processor_seconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// What MailOriginRetain asks for, in the daemon's steps.
struct Forgetting {
  double slowest = 0, slowest_of_processor = 0, whole = 0;
  int steps = 0;

  void up_to(store::Writer& writer, std::uint64_t now_ms, std::uint64_t retained_ms) {
    for (bool more = true; more; steps++) {
      const auto begin = Clock::now();
      const double processor = processor_seconds(CLOCK_THREAD_CPUTIME_ID);
      const auto removed = writer.remove_older(now_ms, retained_ms);
      if (!removed) fail("removing", removed.error());
      more = *removed;
      const double took = seconds_since(begin);
      slowest = std::max(slowest, took);
      slowest_of_processor =
          std::max(slowest_of_processor, processor_seconds(CLOCK_THREAD_CPUTIME_ID) - processor);
      whole += took;
    }
  }
};

template <class Ask>
double time_of(const char* what, Ask ask) {
  double best = 1e9, worst = 0;
  for (int i = 0; i < 5; i++) {
    const auto begin = Clock::now();
    const auto answer = ask(i);
    if (!answer) fail(what, answer.error());
    best = std::min(best, seconds_since(begin));
    worst = std::max(worst, seconds_since(begin));
  }
  std::printf("%-28s %8.1f ms at best, %8.1f at worst\n", what, best * 1e3, worst * 1e3);
  return worst * 1e3;
}

std::uint64_t disk_bytes(const std::string& driver, const std::string& params) {
  auto database = store::Database::open(driver, params);
  if (!database) return 0;
  const auto rows = (*database)->select(
      driver == "sqlite3"
          ? "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()"
          : "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relname LIKE "
            "'mailorigin%' AND relkind = 'r'");
  return rows && !rows->empty() ? parse_number(rows->front().front().value_or("")).value_or(0) : 0;
}

// What of it goes where: tables and indexes, in PostgreSQL over all days.
void say_parts(const std::string& driver, const std::string& params, std::uint64_t events) {
  auto database = store::Database::open(driver, params);
  if (!database) return;
  const auto parts = (*database)->select(
      driver == "sqlite3" ? "SELECT name, sum(pgsize) FROM dbstat GROUP BY 1 ORDER BY 2 DESC"
                          : "SELECT regexp_replace(relname, '_[0-9]+', ''), "
                            "sum(pg_relation_size(oid)) FROM pg_class WHERE relname LIKE "
                            "'mailorigin%' GROUP BY 1 ORDER BY 2 DESC");
  if (!parts) return;
  for (const store::Row& part : *parts) {
    const std::uint64_t each = parse_number(part[1].value_or("")).value_or(0) / events;
    if (each > 0) {
      std::printf("  %8llu  %s\n", static_cast<unsigned long long>(each),
                  part[0].value_or("").c_str());
    }
  }
}

int run(int count, char* arguments[]) {
  const std::string driver = count > 1 ? arguments[1] : "sqlite3";
  const bool own_server = count > 2 && std::string_view(arguments[2]) == "-";
  std::optional<testing::PostgresServer> server;
  if (own_server) server.emplace().make_database("bench");
  const std::string params = own_server  ? server->params("bench")
                             : count > 2 ? arguments[2]
                                         : "/tmp/bench_store.db";
  const std::uint64_t events = count > 3 ? std::strtoull(arguments[3], nullptr, 10) : 1'000'000;
  const double days = count > 4 ? std::strtod(arguments[4], nullptr) : 30;
  const auto span_ms = static_cast<std::uint64_t>(days * static_cast<double>(day_ms));

  auto writer = store::Writer::open(driver, params, "bench");
  if (!writer) fail(params, writer.error());
  Generator generator;
  const std::uint64_t now_ms = 1'795'869'296'789;
  const std::uint64_t begin_ms = now_ms - span_ms;
  std::vector<Event> batch;
  std::vector<std::string> some_ids, some_message_ids, some_recipients;
  double storing = 0, processor = 0, slowest = 0, last_tenth = 0;
  Forgetting forgetting;
  std::uint64_t hour = 0;
  for (std::uint64_t done = 0; done < events;) {
    batch.clear();
    while (batch.size() < batch_size && done < events) {
      batch.push_back(generator.next(begin_ms + span_ms * done / events));
      done++;
    }
    some_ids.push_back(batch.back().get(Field::id));
    some_message_ids.push_back(batch.back().get(Field::message_id));
    some_recipients.push_back(batch.back().get(Field::to));
    const double processor_before = processor_seconds(CLOCK_PROCESS_CPUTIME_ID);
    const auto begin = Clock::now();
    const Status stored = (*writer)->store(batch, done);
    if (!stored) fail("storing", stored.error());
    const double took = seconds_since(begin);
    processor += processor_seconds(CLOCK_PROCESS_CPUTIME_ID) - processor_before;
    // Minutes that are too old are forgotten all the time.
    if (const std::uint64_t now = begin_ms + span_ms * done / events; now / 3'600'000 != hour) {
      hour = now / 3'600'000;
      forgetting.up_to(**writer, now, span_ms);
    }
    storing += took;
    slowest = std::max(slowest, took);
    if (done > events - events / 10) last_tenth += took;
  }
  std::printf("%s, %llu events over %g days\n", driver.c_str(),
              static_cast<unsigned long long>(events), days);
  std::printf(
      "stored                       %8.0f events/s, the last tenth %.0f, slowest batch %.0f ms\n",
      static_cast<double>(events) / storing,
      static_cast<double>(events) / 10 / std::max(last_tenth, 1e-9), slowest * 1e3);
  std::printf(
      "                             %8.0f events in a second of the processor (ours alone)\n",
      static_cast<double>(events) / processor);
  std::printf("disk                         %8.0f bytes an event, with indexes and sums\n",
              static_cast<double>(disk_bytes(driver, params)) / static_cast<double>(events));
  say_parts(driver, params, events);

  auto reader = store::Reader::open(driver, params);
  if (!reader) fail(params, reader.error());
  const auto place = [&](int i) {
    return some_ids.size() * static_cast<std::size_t>(2 * i + 1) / 11;
  };
  const auto find = [&](const store::Search& search) {
    auto found = (*reader)->find(search);
    if (found && found->empty()) fail("looking for what was stored", Error{"it is not there"});
    return found;
  };
  const double by_id =
      time_of("an event by its id", [&](int i) { return find({.id = some_ids[place(i)]}); });
  const double by_key =
      std::max(time_of("by its Message-ID",
                       [&](int i) { return find({.message_id = some_message_ids[place(i)]}); }),
               time_of("by a recipient",
                       [&](int i) { return find({.recipient = some_recipients[place(i)]}); }));
  time_of("a script's hour, day, week", [&](int i) {
    return (*reader)->sent(store::Per::script,
                           "/var/www/site" + std::to_string(i) + ".example/htdocs/index0.php",
                           now_ms);
  });
  double top = 0;
  for (const auto per : {store::Per::vhost, store::Per::script, store::Per::client}) {
    const std::string name = "top of a day by " + std::string(store::per_name(per));
    top = std::max(top, time_of(name.c_str(), [&](int) {
                     return (*reader)->top(per, now_ms - day_ms, now_ms, 20);
                   }));
  }

  const int before = forgetting.steps;
  forgetting.up_to(**writer, now_ms, span_ms - std::min(span_ms, day_ms) / 2);
  std::printf("half of the last day           %d steps\n", forgetting.steps - before);
  std::printf(
      "all that was forgotten       %d steps, the slowest %.0f ms (%.0f of the processor), "
      "%.1f s in all\n",
      forgetting.steps, forgetting.slowest * 1e3, forgetting.slowest_of_processor * 1e3,
      forgetting.whole);
  const auto say = [&](const std::string& what, double value, const char* goal) {
    testing::say_result((driver + ", " + std::to_string(events) + " events: " + what).c_str(),
                        {value}, goal, "-");
  };
  const bool is_file = driver == "sqlite3";
  say("stored a second, of the last tenth",
      static_cast<double>(events) / 10 / std::max(last_tenth, 1e-9),
      is_file ? "at least 10000" : "at least 20000");
  say("an event by its id, ms at worst", by_id, "at most 50");
  say("by a Message-ID or recipient, ms at worst", by_key, "at most 50");
  say("top of a day, ms at worst", top, "at most 1000");
  say("a step of forgetting, ms at worst", forgetting.slowest * 1e3, "at most 100");
  say("bytes an event",
      static_cast<double>(disk_bytes(driver, params)) / static_cast<double>(events), "at most 600");
  return 0;
}

}  // namespace

int main(int count, char* arguments[]) {
  return testing::contained([&] { return run(count, arguments); });
}
