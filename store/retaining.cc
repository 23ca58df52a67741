// Writer's part that forgets.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/name_values.h"
#include "store/schema.h"
#include "store/writer.h"

namespace mailorigin::store {

namespace {

// How long a step is to take: nobody waits for the database longer. So many rows go with the first
// step, and with any; the database says by its time how many it is quick with.
constexpr std::chrono::milliseconds step_time{20};
constexpr std::uint64_t fewest_rows = 16, most_rows = 4096;

// Removes `most` rows, whichever are found first. PostgreSQL gets at a row by where it stands;
// SQLite has tables that are nothing but their key.
std::string removal(Dialect dialect, const std::string& key, const std::string& table,
                    const std::string& condition, std::uint64_t most) {
  const std::string where =
      " FROM " + table + " WHERE " + condition + " LIMIT " + std::to_string(most);
  if (dialect == Dialect::postgresql) {
    return "DELETE FROM " + table + " WHERE ctid = ANY (ARRAY(SELECT ctid" + where + "))";
  }
  return "DELETE FROM " + table + " WHERE (" + key + ") IN (SELECT " + key + where + ")";
}

// "mailorigin_event_20785": of which day it is.
std::optional<std::uint64_t> day_of_partition(const std::string& name) {
  return parse_number(std::string_view(name).substr(name.rfind('_') + 1));
}

}  // namespace

Result<bool> Writer::remove_older(std::uint64_t now_ms, std::uint64_t retained_ms) {
  const auto begin = std::chrono::steady_clock::now();
  const std::uint64_t before_ms = now_ms - std::min(now_ms, retained_ms);
  const std::uint64_t minutes_before_ms =
      now_ms - std::min(now_ms, std::min(retained_ms, minutes_kept_ms));
  Transaction transaction(*database_);
  if (const Status begun = transaction.begin(); !begun) return begun.error();
  std::uint64_t left = rows_at_once_;
  const auto remove = [&](const std::string& key, const std::string& table,
                          const std::string& condition) -> Status {
    if (left == 0) return Done{};
    const auto removed =
        database_->change(removal(database_->dialect(), key, table, condition, left));
    if (!removed) return removed.error();
    left -= std::min(left, *removed);
    return Done{};
  };
  if (const Status removed = remove_events(before_ms, remove); !removed) return removed.error();
  for (std::size_t i = 0; i < per_names.size(); i++) {
    const std::string per = "per = " + std::to_string(i + 1) + " AND period < ";
    for (const auto& [table, number] :
         {std::pair{"mailorigin_minute", minutes_before_ms / minute_ms},
          {"mailorigin_hour", before_ms / hour_ms}}) {
      const Status removed = remove("per, period, name", table, per + std::to_string(number));
      if (!removed) return removed.error();
    }
  }
  if (const std::uint64_t before_names = left; left > 0) {
    // A day later than the last one of its events: that is when it is noted again.
    const std::string unseen =
        "last_seen < " + std::to_string(before_ms - std::min(before_ms, day_ms));
    if (const Status removed = remove("n", "mailorigin_name", unseen); !removed) {
      return removed.error();
    }
    if (left < before_names) names_.forget();
  }
  if (const Status committed = transaction.commit(); !committed) return committed.error();
  if (left > 0) return false;
  const auto took = std::chrono::steady_clock::now() - begin;
  if (took > step_time) rows_at_once_ = std::max(rows_at_once_ / 2, fewest_rows);
  if (took < step_time / 4) rows_at_once_ = std::min(rows_at_once_ * 2, most_rows);
  return true;
}

template <class Remove>
Status Writer::remove_events(std::uint64_t before_ms, Remove remove) {
  if (database_->dialect() == Dialect::sqlite) {
    const std::string first_kept = " < '" + first_id(before_ms) + "'";
    if (const Status removed = remove("id", "mailorigin_event", "id" + first_kept); !removed) {
      return removed;
    }
    return remove("event, address", "mailorigin_recipient", "event" + first_kept);
  }
  const auto partitions = database_->select(
      "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent "
      "IN ('mailorigin_event'::regclass, 'mailorigin_recipient'::regclass)");
  if (!partitions) return partitions.error();
  for (const Row& row : *partitions) {
    const std::string name = row.front().value_or("");
    const auto day = day_of_partition(name);
    if (!day || (*day + 1) * day_ms > before_ms) continue;
    if (const Status dropped = database_->run("DROP TABLE " + name); !dropped) return dropped;
    days_.erase(*day);
  }
  return Done{};
}

}  // namespace mailorigin::store
