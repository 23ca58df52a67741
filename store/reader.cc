#include "store/reader.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "core/name_values.h"
#include "store/columns.h"
#include "store/keys.h"
#include "store/schema.h"

namespace mailorigin::store {

namespace {

std::uint64_t number_of(const Value& value) { return value ? parse_number(*value).value_or(0) : 0; }

std::string between(std::uint64_t from, std::uint64_t to) {
  return "period >= " + std::to_string(from) + " AND period < " + std::to_string(to);
}

std::string listed(std::uint64_t from, std::uint64_t to) {
  std::string out = "period IN (";
  for (std::uint64_t each = from; each < to; each++) {
    out += (each == from ? "" : ",") + std::to_string(each);
  }
  return out + ')';
}

// Few events have it, and they are to be found by its index: of a table that has no statistics
// yet, a day's first minutes, PostgreSQL would believe that the last ids soon show as many as are
// wanted.
constexpr const char* found_by_value = "e.id || ''";

struct Conditions {
  std::string where;
  std::vector<Value> values;
  std::string order = "e.id";

  void add(const std::string& condition, std::string value) {
    where += (where.empty() ? "" : " AND ") + condition;
    values.emplace_back(std::move(value));
  }
};

// What a search asks of ids, and of spans of time, which ids begin with.
Conditions told_by_ids(const Search& search) {
  Conditions conditions;
  if (!search.id.empty()) conditions.add("e.id = %s", search.id);
  if (!search.request_id.empty()) {
    conditions.add("e.request_id = %s", storable(search.request_id));
  }
  if (!conditions.where.empty()) conditions.order = found_by_value;
  if (search.from_ms > 0) conditions.add("e.id >= %s", first_id(search.from_ms));
  if (search.to_ms > 0) conditions.add("e.id < %s", first_id(search.to_ms + 1));
  if (search.uid) conditions.add("e.uid = %lld", std::to_string(*search.uid));
  return conditions;
}

constexpr std::size_t times_at_once = 1000;
constexpr std::size_t most_at_a_time = 100'000;  // events of one millisecond

constexpr std::uint64_t minutes_per_hour = 60;
constexpr std::string_view sums = "SUM(mails), SUM(recipients), SUM(held), SUM(denied)";

// Of a row that has a name's number and these.
Counts counts_of(const Row& row) {
  return {number_of(row[1]), number_of(row[2]), number_of(row[3]), number_of(row[4])};
}

}  // namespace

Result<std::unique_ptr<Reader>> Reader::open(const std::string& driver, const std::string& params) {
  auto database = Database::open(driver, params);
  if (!database) return database.error();
  if (const Status settled = settle_reader(**database); !settled) return settled.error();
  auto tables = known_tables(**database);
  if (!tables) return tables.error();
  std::unique_ptr<Reader> reader(new Reader(*std::move(database)));
  reader->tables_ = *std::move(tables);
  // Each name by its key: one row of another table for each.
  std::string columns;
  const auto& all = event_columns();
  for (std::size_t i = 0; i < all.size(); i++) {
    const std::string name(all[i].name());
    if (!reader->tables_.columns.contains(name)) continue;
    reader->columns_.push_back(i);
    const std::string column = "e.\"" + name + '"';
    columns += (columns.empty() ? "" : ", ");
    columns += all[i].kind == Column::Kind::name
                   ? "(SELECT text FROM mailorigin_name WHERE n = " + column + ")"
                   : column;
  }
  reader->select_ = "SELECT " + columns + " FROM mailorigin_event e WHERE ";
  return reader;
}

Result<std::vector<Event>> Reader::find(const Search& search) {
  std::optional<std::int64_t> key;
  if (!search.message_id.empty()) key = message_key(storable(search.message_id));
  if (!search.queue_id.empty()) key = queue_key(storable(search.queue_id));
  if (!search.recipient.empty()) key = recipient_key(storable(search.recipient));
  if (!search.cookie.empty()) return find_connection(search);
  if (!key) {
    Conditions conditions = told_by_ids(search);
    if (conditions.where.empty()) return std::vector<Event>();
    return events(conditions.where, conditions.values, conditions.order, search.most);
  }
  std::vector<Event> found;
  // What the writer changes meanwhile, it has older first.
  if (tables_.has_older) {
    auto older = find_older(search);
    if (!older) return older.error();
    found = *std::move(older);
  }
  if (tables_.has_keys) {
    auto now = find_by_key(search, *key);
    if (!now) return now.error();
    std::move(now->begin(), now->end(), std::back_inserter(found));
  }
  const auto id = [](const Event& event) -> const std::string& { return event.get(Field::id); };
  std::sort(found.begin(), found.end(),
            [&](const Event& a, const Event& b) { return id(a) > id(b); });
  found.erase(std::unique(found.begin(), found.end(),
                          [&](const Event& a, const Event& b) { return id(a) == id(b); }),
              found.end());
  if (found.size() > search.most) found.resize(search.most);
  return found;
}

Result<std::vector<Event>> Reader::find_by_key(const Search& search, std::int64_t key) {
  std::vector<Event> found;
  std::uint64_t to_ms = search.to_ms > 0 ? search.to_ms : INT64_MAX;
  while (found.size() < search.most) {
    const auto times = events_of_key(*database_, key, search.from_ms, to_ms, times_at_once);
    if (!times) return times.error();
    for (const std::uint64_t time_ms : *times) {
      Search then = search;
      then.from_ms = then.to_ms = time_ms;
      const Conditions conditions = told_by_ids(then);
      const auto rows = this->rows(conditions.where, conditions.values, "e.id", most_at_a_time);
      if (!rows) return rows.error();
      for (const Row& row : *rows) {
        if (!is_meant(search, row)) continue;
        auto event = event_of(row);
        if (!event) return event.error();
        found.push_back(*std::move(event));
      }
      if (found.size() >= search.most) break;
    }
    if (times->size() < times_at_once || times->back() == 0) break;
    to_ms = times->back() - 1;
  }
  return found;
}

Result<std::vector<Event>> Reader::find_older(const Search& search) {
  Conditions conditions = told_by_ids(search);
  if (!search.message_id.empty()) {
    conditions.add("e.message_key = %lld", std::to_string(message_key(search.message_id)));
  }
  if (!search.queue_id.empty()) {
    // A store that no newer daemon has opened yet has none.
    if (!tables_.columns.contains(std::string(info(Field::queue_id).name))) {
      return std::vector<Event>();
    }
    conditions.add("e.queue_id = %s", storable(search.queue_id));
  }
  if (!search.recipient.empty()) {
    conditions.add("e.id IN (SELECT event FROM mailorigin_recipient WHERE address = %s)",
                   storable(search.recipient));
  }
  return events(conditions.where, conditions.values, found_by_value, search.most);
}

// As mailorigin_event_connection has them: connections alone, by time.
Result<std::vector<Event>> Reader::find_connection(const Search& search) {
  if (!tables_.columns.contains(std::string(info(Field::cookie).name))) return std::vector<Event>();
  return events("e.dst IS NOT NULL AND e.\"time\" > 0 AND e.cookie = %lld", {search.cookie},
                "e.\"time\"", search.most);
}

Result<std::vector<Event>> Reader::events(const std::string& where,
                                          const std::vector<Value>& values,
                                          const std::string& order, std::size_t most) {
  const auto rows = this->rows(where, values, order, most);
  if (!rows) return rows.error();
  std::vector<Event> events;
  for (const Row& row : *rows) {
    auto event = event_of(row);
    if (!event) return event.error();
    events.push_back(*std::move(event));
  }
  return events;
}

Result<std::vector<Row>> Reader::rows(const std::string& where, const std::vector<Value>& values,
                                      const std::string& order, std::size_t most) {
  return database_->select(
      select_ + where + " ORDER BY " + order + " DESC LIMIT " + std::to_string(most), values);
}

// Of the row, since an event's text may be cut.
bool Reader::is_meant(const Search& search, const Row& row) const {
  const auto stored = [&](Field field) {
    for (std::size_t i = 0; i < columns_.size(); i++) {
      if (event_columns()[columns_[i]].field == field) return row[i].value_or("");
    }
    return std::string();
  };
  if (!search.message_id.empty() &&
      message_key(stored(Field::message_id)) != message_key(storable(search.message_id))) {
    return false;
  }
  if (!search.queue_id.empty() && stored(Field::queue_id) != storable(search.queue_id)) {
    return false;
  }
  return search.recipient.empty() || has_address(stored(Field::to), storable(search.recipient));
}

Result<Event> Reader::event_of(const Row& row) {
  Event event;
  for (std::size_t i = 0; i < columns_.size() && i < row.size(); i++) {
    if (!row[i]) continue;
    const Column& column = event_columns()[columns_[i]];
    switch (column.kind) {
      case Column::Kind::time:
        event.set(column.field, rfc3339(number_of(row[i])));
        break;
      case Column::Kind::boolean:
        event.set(column.field, true);
        break;
      default:
        // What would not fit is not what was said: `truncated` is the event's own.
        event.set(column.field, std::string_view(*row[i]).substr(0, info(column.field).limit));
    }
  }
  if (tables_.has_older && !event.has(Field::to)) {
    if (const Status added = add_recipients(event); !added) return added.error();
  }
  return event;
}

Status Reader::add_recipients(Event& event) {
  const auto rows = database_->select(
      "SELECT address FROM mailorigin_recipient WHERE event = %s ORDER BY address",
      {event.get(Field::id)});
  if (!rows) return rows.error();
  std::string to;
  for (const Row& row : *rows) to += (to.empty() ? "" : ", ") + row.front().value_or("");
  event.set(Field::to, to.substr(0, info(Field::to).limit));
  return Done{};
}

Result<std::uint64_t> Reader::events_of_request(const std::string& request_id) {
  const auto rows = database_->select("SELECT COUNT(*) FROM mailorigin_event WHERE request_id = %s",
                                      {storable(request_id)});
  if (!rows) return rows.error();
  return rows->empty() ? 0 : number_of(rows->front().front());
}

Result<Sent> Reader::sent(Per per, std::string_view name, std::uint64_t now_ms) {
  Sent sent;
  const auto known = database_->select("SELECT n, first_seen FROM mailorigin_name WHERE hash = %s",
                                       {name_key(name_field(per), storable(name))});
  if (!known) return known.error();
  if (known->empty()) return sent;
  sent.first_seen_ms = number_of(known->front()[1]);
  const std::string names = "AND name = " + known->front()[0].value_or("0");
  constexpr std::uint64_t spans_ms[] = {hour_ms, day_ms, 7 * day_ms};
  Counts* const out[] = {&sent.hour, &sent.day, &sent.week};
  for (std::size_t i = 0; i < std::size(spans_ms); i++) {
    const auto rows = counted(per, names, now_ms - std::min(now_ms, spans_ms[i]), now_ms, "");
    if (!rows) return rows.error();
    for (const Row& row : *rows) *out[i] += counts_of(row);
  }
  return sent;
}

// By name: its number and the sums over a span that begins and ends with a minute.
Result<std::vector<Row>> Reader::counted(Per per, const std::string& names, std::uint64_t from_ms,
                                         std::uint64_t to_ms, const std::string& rest) {
  const std::uint64_t from = from_ms / minute_ms;  // all of it
  const std::uint64_t to = to_ms / minute_ms + 1;  // the one that runs, too
  std::uint64_t hour = (from + minutes_per_hour - 1) / minutes_per_hour;
  std::uint64_t end_hour = to / minutes_per_hour;
  if (end_hour < hour) end_hour = hour = from / minutes_per_hour;
  const bool whole_hours = end_hour > hour;
  // A list of periods makes a few lookups of it where the names are known.
  const auto periods = [&](std::uint64_t first, std::uint64_t last) {
    return names.empty() ? between(first, last) : listed(first, last);
  };
  std::string parts;
  const auto add = [&](const char* table, std::uint64_t first, std::uint64_t last) {
    if (first >= last) return;
    parts += (parts.empty() ? "" : " UNION ALL ") +
             std::string("SELECT name, mails, recipients, held, denied FROM ") + table +
             " WHERE per = " + std::to_string(static_cast<int>(per)) + " AND " +
             periods(first, last) + ' ' + names;
  };
  add("mailorigin_hour", hour, end_hour);
  add("mailorigin_minute", from, whole_hours ? hour * minutes_per_hour : to);
  if (whole_hours) add("mailorigin_minute", end_hour * minutes_per_hour, to);
  return database_->select("SELECT name, " + std::string(sums) + " FROM (" + parts +
                           ") AS counted GROUP BY name " + rest);
}

// Without what is usual; `numbers` are those of their names.
Result<std::vector<TopRow>> Reader::rows_of_busiest(Per per, std::uint64_t from_ms,
                                                    std::uint64_t to_ms, std::size_t most,
                                                    std::vector<std::string>& numbers) {
  const auto rows =
      counted(per, "", from_ms, to_ms, "ORDER BY 2 DESC, 3 DESC, 1 LIMIT " + std::to_string(most));
  if (!rows) return rows.error();
  std::vector<TopRow> out;
  for (const Row& row : *rows) {
    TopRow& line = out.emplace_back();
    line.counts = counts_of(row);
    numbers.push_back(row[0].value_or("0"));
    const auto name = database_->select(
        "SELECT text, first_seen FROM mailorigin_name WHERE n = %lld", {numbers.back()});
    if (!name) return name.error();
    if (name->empty()) continue;
    line.name = name->front()[0].value_or("");
    line.first_seen_ms = number_of(name->front()[1]);
  }
  return out;
}

Result<std::vector<TopRow>> Reader::top(Per per, std::uint64_t from_ms, std::uint64_t to_ms,
                                        std::size_t most) {
  std::vector<std::string> numbers;
  auto rows = rows_of_busiest(per, from_ms, to_ms, most, numbers);
  if (!rows || rows->empty()) return rows;
  if (const Status added = add_usual(per, from_ms, to_ms, *rows, numbers); !added) {
    return added.error();
  }
  return rows;
}

Result<std::vector<std::string>> Reader::busiest(Per per, std::uint64_t from_ms,
                                                 std::uint64_t to_ms, std::size_t most) {
  std::vector<std::string> numbers;
  const auto rows = rows_of_busiest(per, from_ms, to_ms, most, numbers);
  if (!rows) return rows.error();
  std::vector<std::string> names;
  for (const TopRow& row : *rows) names.push_back(row.name);
  return names;
}

Status Reader::add_usual(Per per, std::uint64_t from_ms, std::uint64_t to_ms,
                         std::vector<TopRow>& rows, const std::vector<std::string>& numbers) {
  const std::uint64_t span_ms = std::max<std::uint64_t>(to_ms - from_ms, 1);
  const bool within_a_day = span_ms <= 24 * hour_ms;
  const std::uint64_t step_ms = (within_a_day ? 1 : 7) * day_ms;
  const std::uint64_t windows = within_a_day ? 28 : 4;
  const std::uint64_t hours = std::max<std::uint64_t>((span_ms + hour_ms - 1) / hour_ms, 1);
  std::string names = " AND name IN (";
  for (const std::string& number : numbers) names += (names.ends_with('(') ? "" : ",") + number;
  names += ')';
  std::vector<std::vector<std::uint64_t>> seen(rows.size());
  for (std::uint64_t i = 1; i <= windows && i * step_ms < to_ms; i++) {
    const std::uint64_t last = (to_ms - i * step_ms) / hour_ms + 1;
    const std::uint64_t first = last - std::min(last, hours);
    const auto sums_of_names =
        database_->select("SELECT name, SUM(mails) FROM mailorigin_hour WHERE per = " +
                          std::to_string(static_cast<int>(per)) + " AND " + listed(first, last) +
                          names + " GROUP BY name");
    if (!sums_of_names) return sums_of_names.error();
    for (const Row& row : *sums_of_names) {
      const auto at = std::find(numbers.begin(), numbers.end(), row[0].value_or(""));
      if (at == numbers.end()) continue;
      seen[static_cast<std::size_t>(at - numbers.begin())].push_back(number_of(row[1]));
    }
  }
  for (std::size_t i = 0; i < rows.size(); i++) {
    std::vector<std::uint64_t>& values = seen[i];
    values.resize(windows);  // in the others there was none
    std::sort(values.begin(), values.end());
    const std::uint64_t median = (values[(windows - 1) / 2] + values[windows / 2]) / 2;
    // Part of an hour is the same part of what an hour has.
    rows[i].usual = median * span_ms / (hours * hour_ms);
  }
  return Done{};
}

Result<std::vector<Connections>> Reader::refused_connections(std::uint64_t from_ms,
                                                             std::size_t most) {
  std::vector<Value> values;
  std::string verdicts;
  for (const std::string_view verdict : {"observe", "deny"}) {
    values.emplace_back(name_key("verdict", verdict));
    verdicts += verdicts.empty() ? "%s" : ", %s";
  }
  const auto name_of = [](const std::string& number) {
    return "(SELECT text FROM mailorigin_name WHERE n = " + number + ')';
  };
  // The kernel gives each connection a cookie; httpd tells of one before there is any.
  const std::string by_httpd = tables_.columns.contains(std::string(info(Field::cookie).name))
                                   ? "CASE WHEN cookie IS NULL THEN 1 ELSE 0 END"
                                   : "0";
  const auto rows = database_->select(
      "SELECT " + name_of("g.vhost") + ", g.uid, " + name_of("g.dst") + ", g.dst_port, " +
          name_of("g.reason") + ", " + name_of("g.program") + ", g.by_httpd, " +
          name_of("CASE WHEN g.causes = 1 THEN g.cause END") +
          ", g.events, g.days, g.first, g.last FROM "
          "(SELECT vhost, uid, dst, dst_port, reason, MIN(exe) AS program, " +
          by_httpd +
          " AS by_httpd, MIN(COALESCE(caller, file)) AS cause, "
          "COUNT(DISTINCT COALESCE(caller, file)) AS causes, COUNT(*) AS events, "
          "COUNT(DISTINCT \"time\" / " +
          std::to_string(day_ms) +
          ") AS days, MIN(\"time\") AS first, MAX(\"time\") AS last FROM mailorigin_event "
          "WHERE dst IS NOT NULL AND \"time\" >= " +
          std::to_string(from_ms) +
          " AND verdict IN (SELECT n FROM mailorigin_name WHERE hash IN (" + verdicts +
          ")) GROUP BY vhost, uid, dst, dst_port, reason, by_httpd) AS g ORDER BY g.events DESC, "
          "g.first, "
          "g.uid, g.dst, g.dst_port LIMIT " +
          std::to_string(most),
      values);
  if (!rows) return rows.error();
  std::vector<Connections> out;
  for (const Row& row : *rows) {
    Connections& each = out.emplace_back();
    each.vhost = row[0].value_or("");
    if (row[1]) {
      const auto uid = parse_number(*row[1], UINT32_MAX);
      if (uid) each.uid = static_cast<std::uint32_t>(*uid);
    }
    each.dst = row[2].value_or("");
    each.port = number_of(row[3]);
    each.reason = row[4].value_or("");
    each.program = row[5].value_or("");
    each.by_httpd = number_of(row[6]) != 0;
    each.cause = row[7].value_or("");
    each.count = number_of(row[8]);
    each.days = number_of(row[9]);
    each.first_ms = number_of(row[10]);
    each.last_ms = number_of(row[11]);
  }
  return out;
}

}  // namespace mailorigin::store
