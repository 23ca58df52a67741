// Writer's part that forgets.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/name_values.h"
#include "store/schema.h"
#include "store/writer.h"

namespace mailorigin::store {

namespace {

// A step takes as long, and as long as the removal of so many rows that was begun within it: nobody
// waits for the database longer, however slow it is.
constexpr std::chrono::milliseconds step_time{20};
constexpr std::uint64_t rows_at_once = 64;

// How long a day's tables are waited for. Whoever reads them keeps them from being dropped, and
// whoever comes after waits behind that.
constexpr const char* lock_patience = "50ms";

// PostgreSQL gets at a row by where it stands;
// SQLite has tables that are nothing but their key.
std::string removal(Dialect dialect, const std::string& key, const std::string& table,
                    const std::string& condition) {
  const std::string where =
      " FROM " + table + " WHERE " + condition + " LIMIT " + std::to_string(rows_at_once);
  if (dialect == Dialect::postgresql) {
    return "DELETE FROM " + table + " WHERE ctid = ANY (ARRAY(SELECT ctid" + where + "))";
  }
  return "DELETE FROM " + table + " WHERE (" + key + ") IN (SELECT " + key + where + ")";
}

constexpr const char* names_table = "mailorigin_name";

// "mailorigin_event_20785": of which day it is.
std::optional<std::uint64_t> day_of_partition(const std::string& name) {
  return parse_number(std::string_view(name).substr(name.rfind('_') + 1));
}

}  // namespace

// Removes some rows of one table; true once none of them is left. `key`: of its primary key.
Writer::Removal Writer::removal_of_rows(const std::string& key, const std::string& table,
                                        const std::string& condition) {
  return [this, sql = removal(database_->dialect(), key, table, condition),
          of_names = table == names_table]() -> Result<bool> {
    const auto removed = database_->change(sql);
    if (!removed) return removed.error();
    if (*removed > 0 && of_names) names_.forget();
    return *removed < rows_at_once;
  };
}

// In the order in which they are done; those of one pass are as many as those of the next.
std::vector<Writer::Removal> Writer::removals(std::uint64_t now_ms, std::uint64_t retained_ms) {
  const std::uint64_t before_ms = now_ms - std::min(now_ms, retained_ms);
  const std::uint64_t minutes_before_ms =
      now_ms - std::min(now_ms, std::min(retained_ms, minutes_kept_ms));
  std::vector<Removal> all;
  for (std::size_t i = 0; i < per_names.size(); i++) {
    const std::string per = "per = " + std::to_string(i + 1) + " AND period < ";
    for (const auto& [table, number] :
         {std::pair{"mailorigin_minute", minutes_before_ms / minute_ms},
          {"mailorigin_hour", before_ms / hour_ms}}) {
      all.push_back(removal_of_rows("per, period, name", table, per + std::to_string(number)));
    }
  }
  // A day later than the last one of its events: that is when it is noted again.
  all.push_back(removal_of_rows(
      "n", names_table, "last_seen < " + std::to_string(before_ms - std::min(before_ms, day_ms))));
  if (database_->dialect() == Dialect::postgresql) {
    all.emplace_back([this, before_ms] { return drop_a_day(before_ms); });
    return all;
  }
  const std::string first_kept = " < '" + first_id(before_ms) + "'";
  all.push_back(removal_of_rows("id", "mailorigin_event", "id" + first_kept));
  if (has_older_) {
    all.push_back(removal_of_rows("event, address", "mailorigin_recipient", "event" + first_kept));
  }
  all.emplace_back([this, before_ms] { return remove_keys(before_ms); });
  return all;
}

Result<bool> Writer::remove_older(std::uint64_t now_ms, std::uint64_t retained_ms) {
  const auto end = std::chrono::steady_clock::now() + step_time;
  Transaction transaction(*database_);
  if (const Status begun = transaction.begin(); !begun) return begun.error();
  const std::vector<Removal> all = removals(now_ms, retained_ms);
  // At least one, or a slow database would never see the last of them.
  do {
    const auto is_over = all[next_removal_]();
    if (!is_over) return is_over.error();
    if (*is_over) next_removal_++;
  } while (next_removal_ < all.size() && std::chrono::steady_clock::now() < end);
  const bool more = next_removal_ < all.size();
  if (!more) next_removal_ = 0;
  if (const Status committed = transaction.commit(); !committed) return committed.error();
  return more;
}

// Part by part, and a part's entry after its last key.
Result<bool> Writer::remove_keys(std::uint64_t before_ms) {
  const auto parts = database_->select("SELECT part FROM mailorigin_part WHERE last_event < " +
                                       std::to_string(before_ms) + " ORDER BY part LIMIT 1");
  if (!parts) return parts.error();
  if (parts->empty()) return true;
  const std::string part = "part = " + parts->front().front().value_or("0");
  const auto is_empty = removal_of_rows("part, key, event", "mailorigin_key", part)();
  if (!is_empty) return is_empty.error();
  if (!*is_empty) return false;
  const Status forgotten = database_->run("DELETE FROM mailorigin_part WHERE " + part);
  if (!forgotten) return forgotten.error();
  return false;
}

Result<bool> Writer::drop_a_day(std::uint64_t before_ms) {
  const auto partitions = database_->select(
      "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent "
      "IN (to_regclass('mailorigin_event'), to_regclass('mailorigin_key'), "
      "to_regclass('mailorigin_recipient'))");
  if (!partitions) return partitions.error();
  for (const Row& row : *partitions) {
    const std::string name = row.front().value_or("");
    const auto day = day_of_partition(name);
    if (!day || (*day + 1) * day_ms > before_ms) continue;
    const Status dropped = database_->run(
        "DO $$ BEGIN PERFORM set_config('lock_timeout', '" + std::string(lock_patience) +
        "', true); DROP TABLE " + name + "; EXCEPTION WHEN lock_not_available THEN NULL; END $$");
    if (!dropped) return dropped.error();
    const auto left = database_->select("SELECT 1 WHERE to_regclass('" + name + "') IS NOT NULL");
    if (!left) return left.error();
    if (left->empty()) days_.erase(*day);
    // Where somebody has it, there is no use in trying again at once.
    return !left->empty();
  }
  return true;
}

}  // namespace mailorigin::store
