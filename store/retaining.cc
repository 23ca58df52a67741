// Writer's part that forgets.
#include <algorithm>
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

// So many rows of a table are removed at once: nobody waits for the database longer than
// they take.
constexpr std::uint64_t rows_at_once = 1000;

std::string in_first_of(const std::string& key, const std::string& table,
                        const std::string& condition) {
  return "DELETE FROM " + table + " WHERE (" + key + ") IN (SELECT " + key + " FROM " + table +
         " WHERE " + condition + " LIMIT " + std::to_string(rows_at_once) + ")";
}

// "mailorigin_event_20785": of which day it is.
std::optional<std::uint64_t> day_of_partition(const std::string& name) {
  return parse_number(std::string_view(name).substr(name.rfind('_') + 1));
}

}  // namespace

Result<bool> Writer::remove_older(std::uint64_t now_ms, std::uint64_t retained_ms) {
  const std::uint64_t before_ms = now_ms - std::min(now_ms, retained_ms);
  const std::uint64_t minutes_before_ms =
      now_ms - std::min(now_ms, std::min(retained_ms, minutes_kept_ms));
  Transaction transaction(*database_);
  if (const Status begun = transaction.begin(); !begun) return begun.error();
  std::uint64_t most = 0;  // rows of one table
  const auto remove = [&](const std::string& sql) -> Status {
    const auto removed = database_->change(sql);
    if (!removed) return removed.error();
    most = std::max(most, *removed);
    return Done{};
  };
  if (const Status removed = remove_events(before_ms, remove); !removed) return removed.error();
  for (std::size_t i = 0; i < per_names.size(); i++) {
    const std::string per = "per = " + std::to_string(i + 1) + " AND period < ";
    for (const auto& [table, number] :
         {std::pair{"mailorigin_minute", minutes_before_ms / minute_ms},
          {"mailorigin_hour", before_ms / hour_ms}}) {
      const Status removed =
          remove(in_first_of("per, period, name", table, per + std::to_string(number)));
      if (!removed) return removed.error();
    }
  }
  if (most < rows_at_once) {
    // A day later than the last one of its events: that is when it is noted again.
    const std::string unseen =
        "last_seen < " + std::to_string(before_ms - std::min(before_ms, day_ms));
    if (const Status removed = remove(in_first_of("n", "mailorigin_name", unseen)); !removed) {
      return removed.error();
    }
    names_.forget();
  }
  if (const Status committed = transaction.commit(); !committed) return committed.error();
  return most >= rows_at_once;
}

template <class Remove>
Status Writer::remove_events(std::uint64_t before_ms, Remove remove) {
  if (database_->dialect() == Dialect::sqlite) {
    const std::string first_kept = " < '" + first_id(before_ms) + "'";
    const Status removed = remove(in_first_of("id", "mailorigin_event", "id" + first_kept));
    if (!removed) return removed;
    return remove(in_first_of("event, address", "mailorigin_recipient", "event" + first_kept));
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
