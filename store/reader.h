// Reader: what the store knows, for the command line.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/event.h"
#include "core/result.h"
#include "store/database.h"
#include "store/rollup.h"
#include "store/schema.h"

namespace mailorigin::store {

// What a search may go by; what is empty is not asked. At least one of the first six, or a
// span, must be there.
struct Search {
  std::string id = {};
  std::string request_id = {};
  std::string message_id = {};
  std::string queue_id = {};
  std::string recipient = {};  // address
  std::string cookie = {};     // of a connection: asked for by itself, and newest by time
  // Milliseconds since the epoch, both included.
  std::uint64_t from_ms = 0;
  std::uint64_t to_ms = 0;
  std::optional<std::uint32_t> uid = {};  // of a span's events
  std::size_t most = 100;                 // newest first
};

// One line of top.
struct TopRow {
  std::string name;
  Counts counts;
  std::uint64_t usual = 0;          // mails in a span of that length, see Reader::top()
  std::uint64_t first_seen_ms = 0;  // within the time that is retained
};

struct Sent {
  Counts hour, day, week;  // up to now
  std::optional<std::uint64_t> first_seen_ms;
};

// Connections to SMTP ports that differ in nothing that is told here.
struct Connections {
  std::string vhost;  // empty: of none
  std::optional<std::uint32_t> uid;
  std::string dst;
  std::uint64_t port = 0;
  std::string reason;
  std::string program;    // of one of them
  bool by_httpd = false;  // httpd itself, which a request leads there
  std::string cause;  // the file and line that had all of them made; empty: not known, or several
  std::uint64_t count = 0;
  std::uint64_t days = 0;  // of UTC, on which there was one
  std::uint64_t first_ms = 0, last_ms = 0;
};

// What went out by a script: it was asked for, or the mailer was called in it.
struct ScriptMail {
  Counts counts;
  std::uint64_t claimed = 0;  // mails more, of which only the sender says so
  std::optional<std::uint64_t> first_seen_ms, last_seen_ms;
  std::vector<Event> last;  // events, the newest first: at most `most`, of its last hours
};

// For one thread. Whatever is in the database: nothing is written.
class Reader {
 public:
  // Fails where there is no store, or one of a newer version.
  static Result<std::unique_ptr<Reader>> open(const std::string& driver, const std::string& params);

  // With the field `to` put together from the addresses, as many as are kept.
  Result<std::vector<Event>> find(const Search& search);
  // How many there are of a request.
  Result<std::uint64_t> events_of_request(const std::string& request_id);

  // What became of the mails of somebody (the vhost, the script of that name) in the hour, the day
  // and the week before now.
  Result<Sent> sent(Per per, std::string_view name, std::uint64_t now_ms);

  // Whether an event that names a script is to be believed. It has those of the fields verified,
  // docroot and uid that are known, and entry where the script is the one that was asked for.
  using IsBacked = std::function<bool(const Event& about)>;
  // Reads all events of the hours in which somebody names the script, and of up to six hours
  // between two such; each one counts once. `is_backed` is asked for each site and user of them.
  Result<ScriptMail> of_script(std::string_view path, std::uint64_t now_ms, std::size_t most,
                               const IsBacked& is_backed);

  // Who sent most between the two, most mails first. `usual` is the median of spans of that
  // length, by whole hours: at the same time of the day on each of the 28 days before; of
  // those of the four weeks before where the span is longer than a day.
  Result<std::vector<TopRow>> top(Per per, std::uint64_t from_ms, std::uint64_t to_ms,
                                  std::size_t most);

  // The names of those who sent most between the two, most mails first.
  Result<std::vector<std::string>> busiest(Per per, std::uint64_t from_ms, std::uint64_t to_ms,
                                           std::size_t most);

  // Those that were refused or observed since then, the most frequent first.
  Result<std::vector<Connections>> refused_connections(std::uint64_t from_ms, std::size_t most);

 private:
  explicit Reader(std::unique_ptr<Database> database) : database_(std::move(database)) {}
  Result<Event> event_of(const Row& row);
  // The newest first.
  Result<std::vector<Row>> rows(const std::string& where, const std::vector<Value>& values,
                                const std::string& order, std::size_t most);
  // Whether it has what a search's key stands for: others may have the same, or the same time.
  [[nodiscard]] bool is_meant(const Search& search, const Row& row) const;
  // Those that a key stands for.
  Result<std::vector<Event>> find_by_key(const Search& search, std::int64_t key);
  // By what version 4 had.
  Result<std::vector<Event>> find_older(const Search& search);
  Result<std::vector<Event>> find_connection(const Search& search);
  Status add_recipients(Event& event);
  Result<std::vector<Event>> events(const std::string& where, const std::vector<Value>& values,
                                    const std::string& order, std::size_t most);
  Result<std::vector<TopRow>> rows_of_busiest(Per per, std::uint64_t from_ms, std::uint64_t to_ms,
                                              std::size_t most, std::vector<std::string>& numbers);
  Result<std::vector<Row>> counted(Per per, const std::string& names, std::uint64_t from_ms,
                                   std::uint64_t to_ms, const std::string& rest);
  Status add_usual(Per per, std::uint64_t from_ms, std::uint64_t to_ms, std::vector<TopRow>& rows,
                   const std::vector<std::string>& numbers);

  std::unique_ptr<Database> database_;
  std::vector<std::size_t> columns_;  // of event_columns(): those that the database has
  std::string select_;
  Tables tables_;
};

}  // namespace mailorigin::store
