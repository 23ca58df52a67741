// Connections to SMTP ports, as they are counted and found.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/event.h"
#include "store/reader.h"
#include "store/writer.h"
#include "tests/store/samples.h"

namespace mailorigin::store {

namespace {

using testing::must;
using testing::must_not_fail;
using testing::now_ms;
using testing::sample;

class StoredConnections : public testing::StoreTest {};
INSTANTIATE_TEST_SUITE_P(Databases, StoredConnections, testing::both_databases(),
                         testing::driver_name);

Event connection(std::uint64_t time_ms, const char* verdict, const char* dst) {
  Event event = sample(time_ms);
  event.set(Field::kind, smtp_kind);
  event.set(Field::verdict, verdict);
  event.set(Field::reason, "smtp");
  event.set(Field::dst, dst);
  event.set(Field::dst_port, std::uint64_t{25});
  event.set(Field::exe, "/usr/sbin/php-fpm8.2");
  return event;
}

TEST_P(StoredConnections, CountsWhatWasRefusedByWhereItWasGoing) {
  const std::vector events = {sample(now_ms),
                              connection(now_ms - 3 * day_ms, "observe", "192.0.2.1"),
                              connection(now_ms - 8 * day_ms, "observe", "192.0.2.1"),
                              connection(now_ms, "observe", "192.0.2.1"),
                              connection(now_ms, "deny", "192.0.2.1"),
                              connection(now_ms, "deny", "2001:db8::1"),
                              connection(now_ms, "allow", "192.0.2.2")};
  must_not_fail(open_writer()->store(events, 1));
  const auto found = must(open_reader()->refused_connections(now_ms - 7 * day_ms, 10));
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].vhost, "shop.example:443");
  EXPECT_EQ(found[0].uid, 1001U);
  EXPECT_EQ(found[0].dst, "192.0.2.1");
  EXPECT_EQ(found[0].port, 25U);
  EXPECT_EQ(found[0].reason, "smtp");
  EXPECT_EQ(found[0].program, "/usr/sbin/php-fpm8.2");
  EXPECT_EQ(found[0].count, 3U);
  EXPECT_EQ(found[0].days, 2U);
  EXPECT_EQ(found[0].first_ms, now_ms - 3 * day_ms);
  EXPECT_EQ(found[0].last_ms, now_ms);
  EXPECT_EQ(found[1].dst, "2001:db8::1");
  EXPECT_EQ(must(open_reader()->refused_connections(now_ms - 7 * day_ms, 1)).size(), 1U);
}

// httpd tells of what it is led to before there is a connection; the kernel has a cookie of each.
TEST_P(StoredConnections, TellsHttpdsOwnConnectionsAndWhatLedItThere) {
  const auto led = [](const char* file, const char* line) {
    Event event = connection(now_ms, "observe", "192.0.2.1");
    event.set(Field::file, file);
    event.set(Field::caller, std::string(file) + line);
    return event;
  };
  Event of_a_script = led("/srv/shop/a.php", ":7");
  of_a_script.set(Field::cookie, std::uint64_t{4711});
  auto writer = open_writer();
  must_not_fail(writer->store(
      std::vector{of_a_script, led("/srv/shop/.htaccess", ":3"), led("/srv/shop/.htaccess", ":3")},
      1));
  const auto found = must(open_reader()->refused_connections(now_ms - day_ms, 10));
  ASSERT_EQ(found.size(), 2U);
  EXPECT_TRUE(found[0].by_httpd);
  EXPECT_EQ(found[0].count, 2U);
  EXPECT_EQ(found[0].cause, "/srv/shop/.htaccess:3");
  EXPECT_FALSE(found[1].by_httpd);
  EXPECT_EQ(found[1].cause, "/srv/shop/a.php:7");
  must_not_fail(writer->store(std::vector{led("/srv/shop/b/.htaccess", ":1")}, 2));
  EXPECT_EQ(must(open_reader()->refused_connections(now_ms - day_ms, 10))[0].cause, "");
}

TEST_P(StoredConnections, FindsAConnectionByItsCookie) {
  std::vector<Event> events;
  for (const std::uint64_t back : {day_ms, std::uint64_t{0}, day_ms / 2}) {
    events.push_back(connection(now_ms - back, "allow", "192.0.2.1"));
    events.back().set(Field::cookie, std::uint64_t{4711});
  }
  Event mail = sample(now_ms);  // that came over it
  mail.set(Field::cookie, std::uint64_t{4711});
  events.push_back(mail);
  must_not_fail(open_writer()->store(events, 1));
  const auto found = must(open_reader()->find({.cookie = "4711", .most = 1}));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].get(Field::id), events[1].get(Field::id));
  EXPECT_TRUE(must(open_reader()->find({.cookie = "4712"})).empty());
}

}  // namespace

}  // namespace mailorigin::store
