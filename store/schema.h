// The tables of the store, described in docs/formats.md, and how they came to be.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "core/result.h"
#include "store/database.h"

namespace mailorigin::store {

inline constexpr std::uint64_t schema_version = 5;

// Makes the tables where there are none, brings older ones up to date, and adds columns
// for fields that have come since. Refuses a database that is something else's, or of a
// newer version.
Status prepare_schema(Database& database);

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
