// What the store has of one script.
#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/event.h"
#include "core/name_values.h"
#include "core/probe.h"
#include "store/columns.h"
#include "store/reader.h"
#include "store/schema.h"

namespace mailorigin::store {

namespace {

std::uint64_t number_of(const Value& value) { return value ? parse_number(*value).value_or(0) : 0; }

std::string is_one_of_names(const std::string& column, const std::string& field,
                            std::initializer_list<std::string_view> names) {
  std::string hashes;
  for (const std::string_view name : names) {
    hashes += (hashes.empty() ? "'" : ", '") + name_key(field, name) + '\'';
  }
  return "COALESCE(" + column + ", 0) IN (SELECT n FROM mailorigin_name WHERE hash IN (" + hashes +
         "))";
}

// Of whole hours since 1970.
struct Span {
  std::uint64_t from, to;
};

// Each statement looks for the script among all names, which costs as much as some hours' events.
constexpr std::uint64_t hours_between = 6;

// From hours, the newest first.
std::vector<Span> spans_of(const std::vector<std::uint64_t>& hours) {
  std::vector<Span> spans;
  for (const std::uint64_t hour : hours) {
    if (spans.empty() || spans.back().from - hour > hours_between) {
      spans.push_back({hour, hour + 1});
    } else {
      spans.back().from = hour;
    }
  }
  return spans;
}

// Whose mails of a span they are: those that are believed or not together.
struct Group {
  std::string condition;
  Counts counts;
  std::uint64_t first_ms = 0, last_ms = 0;
  Event about;
};

// One script in the database.
class Script {
 public:
  Script(Database& database, std::string_view path) : database_(database), path_(path) {}

  // In which somebody names it, up to now, the newest first.
  Result<std::vector<std::uint64_t>> hours(std::uint64_t now_ms) {
    const auto rows = database_.select(
        "SELECT DISTINCT period FROM mailorigin_hour WHERE (per = " + number(Per::script) +
            " AND (name IN " + std::string(entries) + " OR name IN " +
            beginning(path_ + std::string(claimed_by)) + ")) OR (per = " + number(Per::caller) +
            " AND name IN " + beginning(path_ + ':') + ") ORDER BY period DESC",
        {name_key(name_field(Per::script), path_), path_ + std::string(claimed_by), path_ + ':'});
    if (!rows) return rows.error();
    std::vector<std::uint64_t> hours;
    for (const Row& row : *rows) {
      if (number_of(row[0]) <= now_ms / hour_ms) hours.push_back(number_of(row[0]));
    }
    return hours;
  }

  // A condition of a span's events e that name it, with values() for its own.
  [[nodiscard]] std::string named() const {
    return "e.id >= %s AND e.id < %s AND (e.entry IN " + std::string(entries) + " OR e.caller IN " +
           beginning(path_ + ':') + ") AND " +
           is_one_of_names("e.kind", "kind", {mail_kind, submit_kind}) + " AND NOT " +
           is_one_of_names("e.reason", "reason", {probe_reason});
  }
  [[nodiscard]] std::vector<Value> values(Span span) const {
    return {first_id(span.from * hour_ms), first_id(span.to * hour_ms),
            name_key(name_field(Per::script), path_), path_ + ':'};
  }

  Result<std::vector<Group>> groups(Span span) {
    const auto sum_of = [](std::string_view verdict) {
      return "SUM(CASE WHEN " + is_one_of_names("e.verdict", "verdict", {verdict}) +
             " THEN 1 ELSE 0 END)";
    };
    std::vector<Value> values{name_key(name_field(Per::script), path_)};
    for (Value& each : this->values(span)) values.push_back(std::move(each));
    const auto rows = database_.select(
        "SELECT g.entry, g.verified, g.docroot, g.uid, g.mails, g.recipients, g.held, g.denied, "
        "g.first, g.last, (SELECT text FROM mailorigin_name WHERE n = g.docroot) FROM (SELECT "
        "CASE WHEN e.entry IN " +
            std::string(entries) +
            " THEN e.entry END AS entry, e.verified AS verified, e.docroot AS docroot, e.uid AS "
            "uid, COUNT(*) AS mails, SUM(COALESCE(e.recipients, 0)) AS recipients, " +
            sum_of("hold") + " AS held, " + sum_of("deny") +
            " AS denied, MIN(e.\"time\") AS first, MAX(e.\"time\") AS last FROM mailorigin_event "
            "e WHERE " +
            named() + " GROUP BY 1, 2, 3, 4) AS g",
        values);
    if (!rows) return rows.error();
    std::vector<Group> groups;
    for (const Row& row : *rows) groups.push_back(group_of(row));
    return groups;
  }

 private:
  static constexpr std::string_view entries = "(SELECT n FROM mailorigin_name WHERE hash = %s)";

  static std::string number(Per per) { return std::to_string(static_cast<int>(per)); }

  // Names that begin with what is a value. They have no index by their text, and there are not
  // many. Counted in characters, since how text is ordered is the database's own affair.
  static std::string beginning(const std::string& text) {
    const auto characters = std::count_if(text.begin(), text.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    });
    return "(SELECT n FROM mailorigin_name WHERE SUBSTR(text, 1, " + std::to_string(characters) +
           ") = %s)";
  }

  [[nodiscard]] Group group_of(const Row& row) const {
    Group group;
    const auto add = [&](const char* column, const Value& value) {
      group.condition += std::string(" AND e.") + column +
                         (value ? " = " + std::to_string(number_of(value)) : " IS NULL");
    };
    const std::string was_asked_for = is_one_of_names("e.entry", "entry", {path_});
    group.condition += (row[0] ? " AND " : " AND NOT ") + was_asked_for;
    if (row[0]) group.about.set(Field::entry, path_);
    add("verified", row[1]);
    group.about.set(Field::verified, row[1].has_value());
    add("docroot", row[2]);
    group.about.set(Field::docroot, row[10].value_or(""));
    add("uid", row[3]);
    if (row[3]) group.about.set(Field::uid, std::string_view(*row[3]));
    group.counts = {number_of(row[4]), number_of(row[5]), number_of(row[6]), number_of(row[7])};
    group.first_ms = number_of(row[8]);
    group.last_ms = number_of(row[9]);
    return group;
  }

  Database& database_;
  std::string path_;
};

}  // namespace

Result<ScriptMail> Reader::of_script(std::string_view path, std::uint64_t now_ms, std::size_t most,
                                     const IsBacked& is_backed) {
  Script script(*database_, storable(path));
  const auto hours = script.hours(now_ms);
  if (!hours) return hours.error();
  ScriptMail mail;
  for (const Span span : spans_of(*hours)) {
    auto groups = script.groups(span);
    if (!groups) return groups.error();
    const auto claimed = std::partition(groups->begin(), groups->end(),
                                        [&](const Group& group) { return is_backed(group.about); });
    for (auto group = claimed; group != groups->end(); ++group) mail.claimed += group->counts.mails;
    groups->erase(claimed, groups->end());
    if (groups->empty()) continue;
    const bool is_last = !mail.last_seen_ms;
    for (const Group& group : *groups) {
      mail.counts += group.counts;
      mail.first_seen_ms = std::min(mail.first_seen_ms.value_or(UINT64_MAX), group.first_ms);
      mail.last_seen_ms = std::max(mail.last_seen_ms.value_or(0), group.last_ms);
      if (!is_last) continue;
      auto last = events(script.named() + group.condition, script.values(span), "e.id", most);
      if (!last) return last.error();
      std::move(last->begin(), last->end(), std::back_inserter(mail.last));
    }
  }
  std::sort(mail.last.begin(), mail.last.end(),
            [](const Event& a, const Event& b) { return a.get(Field::id) > b.get(Field::id); });
  if (mail.last.size() > most) mail.last.resize(most);
  return mail;
}

}  // namespace mailorigin::store
