// The tables of the store, described in docs/formats.md, and how they came to be.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "core/result.h"
#include "store/database.h"

namespace mailorigin::store {

inline constexpr std::uint64_t schema_version = 4;

// Makes the tables where there are none, brings older ones up to date, and adds columns
// for fields that have come since. Refuses a database that is something else's, or of a
// newer version.
Status prepare_schema(Database& database);

// Settings of a connection that writes, or of one that only reads.
Status settle_writer(Database& database);
Status settle_reader(Database& database);

// The columns that the events of this database have. Fails as prepare_schema() does, and
// where there is no store (yet).
Result<std::set<std::string>> known_columns(Database& database);

// PostgreSQL keeps each day's events by themselves. `day`: since the epoch.
Status prepare_day(Database& database, std::uint64_t day);

// The smallest id of that millisecond.
std::string first_id(std::uint64_t milliseconds);

inline constexpr std::uint64_t day_ms = 86'400'000;

}  // namespace mailorigin::store
