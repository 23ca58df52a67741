#include "store/names.h"

#include <optional>

#include "core/name_values.h"
#include "store/columns.h"
#include "store/schema.h"

namespace mailorigin::store {

namespace {

// Of ordinary hosts all of them; 20 MiB at most.
constexpr std::size_t names_remembered = 100'000;

}  // namespace

Status Names::prepare() {
  auto insert = database_.prepare(
      "INSERT INTO mailorigin_name (hash, text, first_seen, last_seen) "
      "VALUES (%s, %s, %lld, %lld) ON CONFLICT (hash) DO UPDATE SET last_seen = "
      "CASE WHEN excluded.last_seen > mailorigin_name.last_seen THEN excluded.last_seen "
      "ELSE mailorigin_name.last_seen END RETURNING n");
  if (!insert) return insert.error();
  insert_ = *insert;
  return Done{};
}

Result<std::uint64_t> Names::number(std::string_view field, std::string_view text,
                                    std::uint64_t seen_ms) {
  const std::string stored = storable(text);
  const NameHash hash = name_hash(field, stored);
  const std::uint64_t day = seen_ms / day_ms;
  const auto found = known_.find(hash);
  if (found != known_.end() && found->second.day >= day) return found->second.number;
  const std::string time = std::to_string(seen_ms);
  const auto rows = database_.select(insert_, {name_key(hash), stored, time, time});
  if (!rows) return rows.error();
  const auto number = rows->empty() ? std::nullopt : parse_number(rows->front()[0].value_or(""));
  if (!number) return Error{"it gave a name no number"};
  if (known_.size() >= names_remembered) known_.clear();
  known_[hash] = {*number, day};
  return *number;
}

}  // namespace mailorigin::store
