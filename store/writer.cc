#include "store/writer.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/mail/addresses.h"
#include "core/name_values.h"
#include "core/probe.h"
#include "store/columns.h"

namespace mailorigin::store {

namespace {

constexpr std::string_view recipient_domain = name_field(Per::recipient_domain);

Value number_value(std::string_view text) {
  const auto number = parse_number(text, INT64_MAX);
  return number ? Value(std::to_string(*number)) : std::nullopt;
}

// Nobody has sent what `mailorigin status --probe` has a pool ask about.
bool is_mail(const Event& event) {
  const std::string& kind = event.get(Field::kind);
  return (kind == mail_kind || kind == submit_kind) && event.get(Field::reason) != probe_reason;
}

bool is_passage(const Event& event) { return event.get(Field::kind) == queue_kind; }

Insertion events_of(Database& database) {
  std::vector<Insertion::Column> columns;
  for (const Column& column : event_columns()) {
    columns.push_back({std::string(column.name()), column.kind == Column::Kind::text});
  }
  return {database, "mailorigin_event", std::move(columns), " ON CONFLICT (id) DO NOTHING"};
}

Insertion sums_of(Database& database, const std::string& table) {
  std::string rest;
  for (const char* column : {"mails", "recipients", "held", "denied"}) {
    const std::string name = column;
    rest += (rest.empty() ? " ON CONFLICT (per, period, name) DO UPDATE SET " : ", ") + name +
            " = " + table + '.' + name + " + excluded." + name;
  }
  return {database,
          table,
          {{"per"}, {"period"}, {"name"}, {"mails"}, {"recipients"}, {"held"}, {"denied"}},
          rest};
}

Value or_null(const std::string& text) { return text.empty() ? Value() : Value(storable(text)); }

}  // namespace

Result<std::unique_ptr<Writer>> Writer::open(const std::string& driver, const std::string& params,
                                             const std::string& journal,
                                             const OnMigration& on_migration) {
  auto database = Database::open(driver, params);
  if (!database) return database.error();
  if (const Status settled = settle_writer(**database); !settled) return settled.error();
  if (const Status made = prepare_schema(**database, on_migration); !made) return made.error();
  std::unique_ptr<Writer> writer(new Writer(*std::move(database), journal));
  if (writer->database_->dialect() == Dialect::sqlite) {
    auto checkpoints = Checkpoints::start(*writer->database_, params);
    if (!checkpoints) return checkpoints.error();
    writer->checkpoints_ = *std::move(checkpoints);
  }
  if (const Status prepared = writer->prepare(); !prepared) return prepared.error();
  return writer;
}

Writer::Writer(std::unique_ptr<Database> database, std::string journal)
    : database_(std::move(database)),
      names_(*database_),
      journal_(std::move(journal)),
      events_(events_of(*database_)),
      keys_(*database_),
      minutes_(sums_of(*database_, "mailorigin_minute")),
      hours_(sums_of(*database_, "mailorigin_hour")) {}

Status Writer::prepare() {
  if (const Status prepared = names_.prepare(); !prepared) return prepared;
  // A mail without a Message-ID gets one from its mail server.
  auto pass = database_->prepare(
      "UPDATE mailorigin_event SET queue_id = %s, message_id = COALESCE(message_id, %s) "
      "WHERE id = %s");
  if (!pass) return pass.error();
  pass_ = *pass;
  const auto tables = known_tables(*database_);
  if (!tables) return tables.error();
  has_older_ = tables->has_older;
  const auto position = read_position();
  if (!position) return position.error();
  position_ = *position;
  return Done{};
}

Result<std::optional<std::uint64_t>> Writer::read_position() {
  const auto rows =
      database_->select("SELECT position FROM mailorigin_journal WHERE journal = %s", {journal_});
  if (!rows) return rows.error();
  if (rows->empty()) return std::optional<std::uint64_t>();
  return parse_number(rows->front().front().value_or(""));
}

Status Writer::store(std::span<const Event> events, std::uint64_t to, const SetAside& set_aside) {
  if (checkpoints_ != nullptr) {
    if (const Status kept = checkpoints_->keep_short(); !kept) return kept;
  }
  Status stored = transact(to, [&] { return write(events); });
  if (stored || !set_aside || !database_->refused_values()) return stored;
  return transact(to, [&] { return write_what_is_taken(events, set_aside); });
}

void Writer::forget_written() {
  names_.forget();
  keys_.forget();
  days_.clear();
  for (Insertion* insertion : {&events_, &minutes_, &hours_}) insertion->forget();
  by_minute_.clear();
}

template <class Write>
Status Writer::transact(std::uint64_t to, Write write) {
  const auto taken_back = [&](Error error) {
    forget_written();
    return error;
  };
  Transaction transaction(*database_);
  if (const Status begun = transaction.begin(); !begun) return begun;
  // Whatever this connection believes: the database says where it is.
  const auto position = read_position();
  if (!position) return taken_back(position.error());
  if (*position != position_) {
    return taken_back(Error{"somebody else writes into it from the same journal"});
  }
  if (const Status written = write(); !written) return taken_back(written.error());
  if (const Status moved = move_position(to); !moved) return taken_back(moved.error());
  if (const Status committed = transaction.commit(); !committed) {
    return taken_back(committed.error());
  }
  position_ = to;
  return Done{};
}

Status Writer::write_what_is_taken(std::span<const Event> events, const SetAside& set_aside) {
  if (events.empty()) return Done{};
  if (const Status begun = database_->run("SAVEPOINT mailorigin_part"); !begun) return begun;
  const Status written = write(events);
  if (!written) {
    if (!database_->refused_values()) return written;
    forget_written();
    const Status back = database_->run("ROLLBACK TO SAVEPOINT mailorigin_part");
    if (!back) return back;
  }
  if (const Status ended = database_->run("RELEASE SAVEPOINT mailorigin_part"); !ended)
    return ended;
  if (written) return Done{};
  if (events.size() == 1) return set_aside(events.front(), written.error().message);
  const std::size_t half = events.size() / 2;
  const Status first = write_what_is_taken(events.first(half), set_aside);
  return first ? write_what_is_taken(events.subspan(half), set_aside) : first;
}

Status Writer::write(std::span<const Event> events) {
  for (const Event& event : events) {
    if (is_passage(event)) continue;
    if (const Status added = add_event(event); !added) return added;
    // While they are still in the processor's own memory.
    if (!events_.is_worth_writing()) continue;
    if (const Status written = events_.write(); !written) return written;
  }
  if (const Status written = events_.write(); !written) return written;
  // Once the mails are there.
  for (const Event& event : events) {
    if (!is_passage(event)) continue;
    if (const Status added = add_passage(event); !added) return added;
  }
  if (const Status written = events_.write(); !written) return written;
  if (const Status written = keys_.write(); !written) return written;
  return write_counts();
}

// The mail's own event learns its queue id; one that the store does not have is told by what
// has come by.
Status Writer::add_passage(const Event& event) {
  const std::string& message_id = event.get(Field::message_id);
  const std::string& queue_id = event.get(Field::queue_id);
  const auto changed = database_->run(
      pass_, {or_null(queue_id), or_null(message_id), storable(event.get(Field::mail_id))});
  if (!changed) return changed.error();
  if (*changed == 0) return add_event(event);
  const auto mail_ms = milliseconds_of(event.get(Field::mail_id));
  if (!mail_ms) return Done{};
  if (const Status prepared = prepare_day_of(*mail_ms); !prepared) return prepared;
  if (!queue_id.empty()) keys_.add(queue_key(storable(queue_id)), *mail_ms);
  if (!message_id.empty()) keys_.add(message_key(storable(message_id)), *mail_ms);
  return Done{};
}

Status Writer::prepare_day_of(std::uint64_t milliseconds) {
  const std::uint64_t day = milliseconds / day_ms;
  if (days_.contains(day)) return Done{};
  if (const Status prepared = prepare_day(*database_, day); !prepared) return prepared;
  days_.insert(day);
  return Done{};
}

Status Writer::add_event(const Event& event) {
  const std::uint64_t time_ms = parse_rfc3339(event.get(Field::time)).value_or(0);
  const std::uint64_t id_ms = milliseconds_of(event.get(Field::id)).value_or(time_ms);
  if (const Status prepared = prepare_day_of(id_ms); !prepared) return prepared;
  const std::vector<std::string> recipients =
      recipient_addresses(event.get(Field::to), event.get(Field::headers), recipients_kept);
  Row row;
  row.reserve(event_columns().size());
  for (const Column& column : event_columns()) {
    if (column.field == Field::to) {
      row.push_back(recipients.empty() ? Value() : Value(kept_addresses(recipients)));
      continue;
    }
    const std::string& value = event.get(column.field);
    if (value.empty()) {
      row.emplace_back();
      continue;
    }
    switch (column.kind) {
      case Column::Kind::text:
        row.emplace_back(storable(value));
        break;
      case Column::Kind::number:
        row.push_back(number_value(value));
        break;
      case Column::Kind::boolean:
        row.emplace_back("1");
        break;
      case Column::Kind::time:
        row.emplace_back(std::to_string(time_ms));
        break;
      case Column::Kind::name: {
        const auto name = names_.number(column.name(), value, time_ms);
        if (!name) return name.error();
        row.emplace_back(std::to_string(*name));
        break;
      }
    }
  }
  events_.add(std::move(row));

  if (event.has(Field::message_id)) {
    keys_.add(message_key(storable(event.get(Field::message_id))), id_ms);
  }
  if (event.has(Field::queue_id)) {
    keys_.add(queue_key(storable(event.get(Field::queue_id))), id_ms);
  }
  for (const std::string& address : recipients) keys_.add(recipient_key(storable(address)), id_ms);
  return is_mail(event) ? count_event(event, time_ms, recipients) : Status(Done{});
}

Status Writer::count_event(const Event& event, std::uint64_t time_ms,
                           const std::vector<std::string>& recipients) {
  Counts counts;
  counts.mails = 1;
  counts.recipients = parse_number(event.get(Field::recipients), UINT32_MAX).value_or(0);
  counts.held = event.get(Field::verdict) == "hold" ? 1 : 0;
  counts.denied = event.get(Field::verdict) == "deny" ? 1 : 0;
  for (const auto& [per, text] : {std::pair{Per::vhost, event.get(Field::vhost)},
                                  {Per::script, counted_script(event)},
                                  {Per::caller, event.get(Field::caller)},
                                  {Per::uid, event.get(Field::uid)},
                                  {Per::client, event.get(Field::client)}}) {
    if (text.empty()) continue;
    const auto name = names_.number(name_field(per), text, time_ms);
    if (!name) return name.error();
    count(per, *name, time_ms, counts);
  }
  std::map<std::uint64_t, std::uint64_t> by_domain;
  for (const std::string& address : recipients) {
    const std::string_view domain = domain_of(address);
    if (domain.empty()) continue;
    const auto name = names_.number(recipient_domain, domain, time_ms);
    if (!name) return name.error();
    by_domain[*name]++;
  }
  for (const auto& [name, of_domain] : by_domain) {
    counts.recipients = of_domain;
    count(Per::recipient_domain, name, time_ms, counts);
  }
  return Done{};
}

void Writer::count(Per per, std::uint64_t name, std::uint64_t time_ms, const Counts& counts) {
  by_minute_[{per, time_ms / minute_ms, name}] += counts;
}

Status Writer::write_counts() {
  std::map<Period, Counts> by_hour;
  for (const auto& [period, counts] : by_minute_) {
    const auto& [per, minute, name] = period;
    by_hour[{per, minute * minute_ms / hour_ms, name}] += counts;
  }
  for (auto [counted, insertion] : {std::pair{&by_minute_, &minutes_}, {&by_hour, &hours_}}) {
    for (const auto& [period, counts] : *counted) {
      const auto& [per, number, name] = period;
      insertion->add({std::to_string(static_cast<int>(per)), std::to_string(number),
                      std::to_string(name), std::to_string(counts.mails),
                      std::to_string(counts.recipients), std::to_string(counts.held),
                      std::to_string(counts.denied)});
    }
    counted->clear();
    if (const Status written = insertion->write(); !written) return written;
  }
  return Done{};
}

Status Writer::move_position(std::uint64_t to) {
  const auto moved = database_->select(
      "INSERT INTO mailorigin_journal (journal, position) VALUES (%s, %lld) "
      "ON CONFLICT (journal) DO UPDATE SET position = excluded.position RETURNING position",
      {journal_, std::to_string(to)});
  if (!moved) return moved.error();
  return Done{};
}

}  // namespace mailorigin::store
