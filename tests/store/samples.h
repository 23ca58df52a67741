// Events and databases for the tests of the store.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "core/name_values.h"
#include "core/ulid.h"
#include "store/reader.h"
#include "store/writer.h"
#include "tests/harness/postgres.h"

namespace mailorigin::store::testing {

// 2026-11-28T12:34:56.789Z: no whole hour.
inline constexpr std::uint64_t now_ms = 1'795'869'296'789;

inline Event sample(std::uint64_t time_ms) {
  static UlidGenerator ids;
  Event event;
  event.set(Field::time, rfc3339(time_ms));
  event.set(Field::id, ids.next(time_ms).text());
  event.set(Field::host, "web1.example");
  event.set(Field::kind, "mail");
  event.set(Field::verdict, "allow");
  event.set(Field::verified, true);
  event.set(Field::vhost, "shop.example:443");
  event.set(Field::docroot, "/srv/shop");
  event.set(Field::entry, "/srv/shop/index.php");
  event.set(Field::file, "/srv/shop/lib/Mailer.php");
  event.set(Field::line, std::uint64_t{42});
  event.set(Field::caller, "/srv/shop/contact.php:17");
  event.set(Field::pid, std::uint64_t{1234});
  event.set(Field::uid, std::uint64_t{1001});
  event.set(Field::user, "shop");
  event.set(Field::client, "192.0.2.7");
  event.set(Field::method, "POST");
  event.set(Field::uri, "/contact.php?x=1");
  event.set(Field::request_id, ids.next(time_ms).text());
  event.set(Field::to, "someone@example.org");
  event.set(Field::recipients, std::uint64_t{1});
  event.set(Field::subject, "Your order");
  return event;
}

template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return *std::move(result);
}

inline bool must_not_fail(const Status& status) {
  if (!status) throw std::runtime_error(status.error().message);
  return true;
}

class SqliteFile : public ::testing::Test {
 protected:
  SqliteFile() {
    char name[] = "/tmp/mailorigin-store-XXXXXX";
    if (mkdtemp(name) == nullptr) throw std::runtime_error("no directory");
    directory_ = name;
  }
  ~SqliteFile() override { std::filesystem::remove_all(directory_); }
  [[nodiscard]] std::string path() const { return directory_ + "/mail.db"; }

 private:
  std::string directory_;
};

// What StoreTest is instantiated with.
inline auto both_databases() { return ::testing::Values("sqlite3", "pgsql"); }
inline std::string driver_name(const ::testing::TestParamInfo<const char*>& each) {
  return each.param;
}

// By driver: an empty database for each test.
class StoreTest : public SqliteFile, public ::testing::WithParamInterface<const char*> {
 protected:
  StoreTest() {
    if (driver() == "sqlite3") {
      params_ = path();
      return;
    }
    static mailorigin::testing::PostgresServer server;
    static int databases = 0;
    const std::string name = "test" + std::to_string(databases++);
    server.make_database(name);
    params_ = server.params(name);
  }

  [[nodiscard]] std::string driver() const { return GetParam(); }
  [[nodiscard]] const std::string& params() const { return params_; }
  std::unique_ptr<Writer> open_writer(const std::string& journal = "journal",
                                      const OnMigration& on_migration = {}) {
    return must(Writer::open(driver(), params_, journal, on_migration));
  }
  std::unique_ptr<Reader> open_reader() { return must(Reader::open(driver(), params_)); }
  std::unique_ptr<Database> raw() { return must(Database::open(driver(), params_)); }
  std::uint64_t rows_of(const std::string& table) {
    const auto rows = must(raw()->select("SELECT COUNT(*) FROM " + table));
    return parse_number(rows.at(0).at(0).value_or("")).value_or(UINT64_MAX);
  }
  std::uint64_t all_events() { return rows_of("mailorigin_event"); }

 private:
  std::string params_;
};

}  // namespace mailorigin::store::testing
