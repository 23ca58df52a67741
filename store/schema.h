// The tables of the store, described in docs/formats.md, and how they came to be.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "core/result.h"
#include "store/database.h"

namespace mailorigin::store {

inline constexpr std::uint64_t schema_version = 5;

// How far tables of an older version are brought to schema_version.
struct Migration {
  std::uint64_t from = 0;  // the version
  std::size_t step = 0;    // that is done now; the first is 1
  std::size_t steps = 0;   // in all; each may take as long as an index over all events does

  [[nodiscard]] std::string versions() const;  // "from version 3 to 5"
  [[nodiscard]] std::string text() const;      // "from version 3 to 5, step 2 of 4"
};
// Called before each step.
using OnMigration = std::function<void(const Migration& migration)>;

// Makes the tables where there are none, brings older ones up to date, all of it or nothing, and
// adds columns for fields that have come since. Refuses a database that is something else's, or of
// a newer version.
Status prepare_schema(Database& database, const OnMigration& on_migration = {});

// Settings of a connection that writes, or of one that only reads.
Status settle_writer(Database& database);
Status settle_reader(Database& database);

// What a database has that a reader may meet.
struct Tables {
  std::set<std::string> columns;  // of events
  bool has_keys = false;          // from version 5 on
  bool has_older = false;         // events of version 4, and what they are looked up by
};
// Fails as prepare_schema() does, and where there is no store (yet).
Result<Tables> known_tables(Database& database);

// The tables that PostgreSQL has by the day. `day`: since the epoch.
Status prepare_day(Database& database, std::uint64_t day);

// The smallest id of that millisecond.
std::string first_id(std::uint64_t milliseconds);
// The millisecond of an id; nothing of a text that is none.
std::optional<std::uint64_t> milliseconds_of(std::string_view id);

inline constexpr std::uint64_t day_ms = 86'400'000;

}  // namespace mailorigin::store
