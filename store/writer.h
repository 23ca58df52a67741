// Writer: events into the store, each exactly once.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/event.h"
#include "core/result.h"
#include "store/checkpoints.h"
#include "store/database.h"
#include "store/insertion.h"
#include "store/keys.h"
#include "store/names.h"
#include "store/rollup.h"
#include "store/schema.h"

namespace mailorigin::store {

// Told of an event that the database refuses, and why, in its words; it must keep the event. An
// error of its own is store()'s.
using SetAside = std::function<Status(const Event& event, const std::string& why)>;

// For one thread. After an error the connection is worth nothing any more: make a new one.
class Writer {
 public:
  // Opens the database and makes or migrates its tables, as prepare_schema() does. `journal` names
  // the journal that the events come from; several may feed one database.
  static Result<std::unique_ptr<Writer>> open(const std::string& driver, const std::string& params,
                                              const std::string& journal,
                                              const OnMigration& on_migration = {});

  // Up to where in its journal the store has everything; nothing: it has never had any.
  [[nodiscard]] std::optional<std::uint64_t> position() const { return position_; }

  // Stores all of them, and that it has the journal up to `to`, or nothing. It must have
  // been at position(). What the database refuses for its values is set aside instead; where the
  // transaction fails after that, it is again. Without `set_aside` it fails all of them.
  Status store(std::span<const Event> events, std::uint64_t to, const SetAside& set_aside = {});

  // Removes a little of what was before `retained_ms` ago; true if there is more of it.
  Result<bool> remove_older(std::uint64_t now_ms, std::uint64_t retained_ms);

 private:
  Writer(std::unique_ptr<Database> database, std::string journal);
  Status prepare();
  Result<std::optional<std::uint64_t>> read_position();
  // One transaction around `write`, and the new position.
  template <class Write>
  Status transact(std::uint64_t to, Write write);
  Status write(std::span<const Event> events);
  // The same, piece by piece, inside a transaction: what is refused is found by halves.
  Status write_what_is_taken(std::span<const Event> events, const SetAside& set_aside);
  // What was written is taken back: nothing that this object remembers of it holds.
  void forget_written();
  Status add_event(const Event& event);
  Status add_passage(const Event& event);
  Status count_event(const Event& event, std::uint64_t time_ms,
                     const std::vector<std::string>& recipients);
  // That the tables of that millisecond's day are there.
  Status prepare_day_of(std::uint64_t milliseconds);
  void count(Per per, std::uint64_t name, std::uint64_t time_ms, const Counts& counts);
  Status write_counts();
  Status move_position(std::uint64_t to);
  // Removes a little; true once there is nothing more of it.
  using Removal = std::function<Result<bool>()>;
  Removal removal_of_rows(const std::string& key, const std::string& table,
                          const std::string& condition);
  std::vector<Removal> removals(std::uint64_t now_ms, std::uint64_t retained_ms);
  Result<bool> remove_keys(std::uint64_t before_ms);
  Result<bool> drop_a_day(std::uint64_t before_ms);

  using Period = std::tuple<Per, std::uint64_t, std::uint64_t>;  // by whom, which one, name
  std::unique_ptr<Database> database_;
  std::unique_ptr<Checkpoints> checkpoints_;  // of SQLite
  Names names_;
  const std::string journal_;
  Insertion events_;
  Keys keys_;
  Insertion minutes_, hours_;
  std::optional<std::uint64_t> position_;
  bool has_older_ = false;        // events of version 4
  std::set<std::uint64_t> days_;  // that are prepared
  Database::Statement pass_;      // of a mail into the queue
  std::size_t next_removal_ = 0;  // of removals()
  std::map<Period, Counts> by_minute_;
};

}  // namespace mailorigin::store
