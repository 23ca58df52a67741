#include "store/keys.h"

#include <algorithm>

#include "core/name_values.h"
#include "store/schema.h"

namespace mailorigin::store {

Keys::Keys(Database& database)
    : database_(database),
      rows_(database.dialect() == Dialect::sqlite
                ? Insertion(database, "mailorigin_key", {{"part"}, {"key"}, {"event"}},
                            " ON CONFLICT DO NOTHING")
                : Insertion(database, "mailorigin_key", {{"key"}, {"event"}}, "")) {}

void Keys::forget() {
  waiting_.clear();
  rows_.forget();
}

Status Keys::write() {
  if (waiting_.empty()) return Done{};
  // Neighbours go to the same page.
  std::sort(waiting_.begin(), waiting_.end());
  waiting_.erase(std::unique(waiting_.begin(), waiting_.end()), waiting_.end());
  std::uint64_t last = 0;
  for (const auto& [key, event] : waiting_) last = std::max(last, event);
  const bool in_parts = database_.dialect() == Dialect::sqlite;
  std::string part;
  if (in_parts) {
    const auto found = this->part(last);
    if (!found) return found.error();
    part = std::to_string(*found);
  }
  for (const auto& [key, event] : waiting_) {
    Row row;
    if (in_parts) row.emplace_back(part);
    row.emplace_back(std::to_string(key));
    row.emplace_back(std::to_string(event));
    rows_.add(std::move(row));
  }
  const std::string count = std::to_string(waiting_.size());
  waiting_.clear();
  if (const Status written = rows_.write(); !written || !in_parts) return written;
  return database_.run("INSERT INTO mailorigin_part (part, keys, last_event) VALUES (" + part +
                       ", " + count + ", " + std::to_string(last) +
                       ") ON CONFLICT (part) DO UPDATE SET keys = keys + excluded.keys, "
                       "last_event = MAX(last_event, excluded.last_event)");
}

Result<std::uint64_t> Keys::part(std::uint64_t last_event_ms) {
  const auto rows = database_.select(
      "SELECT part, keys, last_event FROM mailorigin_part ORDER BY part DESC LIMIT 1");
  if (!rows) return rows.error();
  if (rows->empty()) return std::uint64_t{1};
  const auto number = [&](std::size_t i) {
    return parse_number(rows->front()[i].value_or("")).value_or(0);
  };
  const bool has_room = number(1) < part_size && last_event_ms / day_ms <= number(2) / day_ms;
  return has_room ? number(0) : number(0) + 1;
}

Result<std::vector<std::uint64_t>> events_of_key(Database& database, std::int64_t key,
                                                 std::uint64_t from_ms, std::uint64_t to_ms,
                                                 std::size_t most) {
  const std::string part = database.dialect() == Dialect::sqlite
                               ? "part IN (SELECT part FROM mailorigin_part) AND "
                               : "";
  const auto rows =
      database.select("SELECT DISTINCT event FROM mailorigin_key WHERE " + part +
                          "key = %lld AND event >= %lld AND event <= %lld "
                          "ORDER BY event DESC LIMIT " +
                          std::to_string(most),
                      {std::to_string(key), std::to_string(from_ms), std::to_string(to_ms)});
  if (!rows) return rows.error();
  std::vector<std::uint64_t> out;
  for (const Row& row : *rows) out.push_back(parse_number(row[0].value_or("")).value_or(0));
  return out;
}

}  // namespace mailorigin::store
