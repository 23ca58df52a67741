// What the store has of one script.
#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/name_values.h"
#include "store/columns.h"
#include "store/reader.h"
#include "store/schema.h"

namespace mailorigin::store {

namespace {

constexpr std::size_t callers_limit = 1000;  // lines of one script that call mailers
constexpr std::uint64_t periods_at_once = 2000;

std::uint64_t number_of(const Value& value) { return value ? parse_number(*value).value_or(0) : 0; }

std::string listed(const std::vector<std::string>& numbers) {
  std::string out = "(";
  for (const std::string& number : numbers) out += (out.size() == 1 ? "" : ",") + number;
  return out + ')';
}

// The number of a name, and when it was seen.
struct Known {
  std::vector<std::string> numbers;
  std::uint64_t first_ms = UINT64_MAX, last_ms = 0;
  void add(const Row& row) {
    numbers.push_back(row[0].value_or("0"));
    first_ms = std::min(first_ms, number_of(row[1]));
    last_ms = std::max(last_ms, number_of(row[2]));
  }
};

}  // namespace

Result<ScriptMail> Reader::of_script(std::string_view path, std::uint64_t now_ms,
                                     std::size_t most) {
  const std::string script = storable(path);
  Known entry, callers;
  const auto as_entry =
      database_->select("SELECT n, first_seen, last_seen FROM mailorigin_name WHERE hash = %s",
                        {name_key(name_field(Per::script), script)});
  if (!as_entry) return as_entry.error();
  for (const Row& row : *as_entry) entry.add(row);
  // "path:line": names have no index by their text, and there are not many. Counted in
  // characters, since how text is ordered is the database's own affair.
  const std::string prefix = script + ':';
  const auto characters = std::count_if(prefix.begin(), prefix.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  });
  const auto as_caller = database_->select(
      "SELECT n, first_seen, last_seen, text, hash FROM mailorigin_name WHERE SUBSTR(text, 1, " +
          std::to_string(characters) + ") = %s LIMIT " + std::to_string(callers_limit),
      {prefix});
  if (!as_caller) return as_caller.error();
  for (const Row& row : *as_caller) {
    if (row[4].value_or("") == name_key(name_field(Per::caller), row[3].value_or(""))) {
      callers.add(row);
    }
  }

  ScriptMail mail;
  const std::uint64_t first_ms = std::min(entry.first_ms, callers.first_ms);
  if (first_ms == UINT64_MAX) return mail;
  mail.first_seen_ms = first_ms;
  // Whole hours, each by the larger of both counts.
  std::map<std::uint64_t, Counts> hours;
  for (const auto& [per, known] :
       {std::pair(Per::script, &entry), std::pair(Per::caller, &callers)}) {
    if (known->numbers.empty()) continue;
    const std::uint64_t end = now_ms / hour_ms + 1;
    for (std::uint64_t from = known->first_ms / hour_ms; from < end; from += periods_at_once) {
      std::vector<std::string> periods;
      for (std::uint64_t each = from; each < std::min(from + periods_at_once, end); each++) {
        periods.push_back(std::to_string(each));
      }
      const auto rows = database_->select(
          "SELECT period, SUM(mails), SUM(recipients), SUM(held), SUM(denied) FROM mailorigin_hour "
          "WHERE per = " +
          std::to_string(static_cast<int>(per)) + " AND period IN " + listed(periods) +
          " AND name IN " + listed(known->numbers) + " GROUP BY period");
      if (!rows) return rows.error();
      for (const Row& row : *rows) {
        const Counts counts{number_of(row[1]), number_of(row[2]), number_of(row[3]),
                            number_of(row[4])};
        Counts& hour = hours[number_of(row[0])];
        if (counts.mails > hour.mails) hour = counts;
      }
    }
  }
  for (const auto& [period, counts] : hours) mail.counts += counts;
  if (hours.empty()) return mail;

  const std::uint64_t last_hour_ms = hours.rbegin()->first * hour_ms;
  std::string whose;
  const auto add = [&](const char* column, const Known& known) {
    if (known.numbers.empty()) return;
    whose += (whose.empty() ? "" : " OR ") + std::string(column) + " IN " + listed(known.numbers);
  };
  add("e.entry", entry);
  add("e.caller", callers);
  auto last = events("e.id >= %s AND e.id < %s AND (" + whose + ')',
                     {first_id(last_hour_ms), first_id(last_hour_ms + hour_ms)}, "e.id", most);
  if (!last) return last.error();
  mail.last = *std::move(last);
  if (!mail.last.empty()) {
    mail.last_seen_ms = parse_rfc3339(mail.last.front().get(Field::time));
  }
  return mail;
}

}  // namespace mailorigin::store
