#include "store/database.h"

#include <apr_dbd.h>
#include <apr_general.h>
#include <apr_pools.h>
#include <apr_strings.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "core/text.h"
#include "store/refusal.h"

namespace mailorigin::store {

namespace {

constexpr std::string_view sqlite_driver = "sqlite3";
constexpr std::string_view postgresql_driver = "pgsql";

// How long a server may take to be reached, and to acknowledge what it was sent: one that
// is gone without a word must be noticed some time.
constexpr std::pair<std::string_view, std::string_view> time_limits[] = {
    {"connect_timeout", "5"}, {"tcp_user_timeout", "30000"}};

// apr_dbd keeps its drivers in this pool; once per process.
apr_pool_t* drivers_pool() {
  static apr_pool_t* const pool = [] {
    apr_pool_t* made = nullptr;
    apr_initialize();
    apr_pool_create(&made, nullptr);
    apr_dbd_init(made);
    return made;
  }();
  return pool;
}

// Servers end with a line end, and say several.
Error said_by_server(std::string_view text) {
  return Error{one_line(text.substr(0, text.find_last_not_of("\n\t ") + 1))};
}

std::mutex driver_mutex;  // apr_dbd_get_driver() reads and loads

std::string with_time_limits(std::string params) {
  const bool is_uri = params.starts_with("postgres://") || params.starts_with("postgresql://");
  for (const auto& [name, value] : time_limits) {
    if (params.find(name) != std::string::npos) continue;
    const char* const separator = !is_uri ? " " : params.find('?') == std::string::npos ? "?" : "&";
    params.append(separator).append(name).append("=").append(value);
  }
  return params;
}

}  // namespace

std::optional<Dialect> dialect_of(std::string_view driver) {
  if (driver == sqlite_driver) return Dialect::sqlite;
  if (driver == postgresql_driver) return Dialect::postgresql;
  return std::nullopt;
}

Result<std::unique_ptr<Database>> Database::open(const std::string& driver,
                                                 const std::string& params) {
  const auto dialect = dialect_of(driver);
  if (!dialect) return Error{"'" + driver + "' is none of sqlite3 and pgsql"};
  std::unique_ptr<Database> database(new Database);
  database->dialect_ = *dialect;
  {
    const std::lock_guard lock(driver_mutex);
    const apr_status_t loaded =
        apr_dbd_get_driver(drivers_pool(), driver.c_str(), &database->driver_);
    if (loaded != APR_SUCCESS) {
      return Error{"apr_dbd has no driver '" + driver + "' here (package libaprutil1-dbd-" +
                   driver + ")"};
    }
    apr_pool_create(&database->pool_, nullptr);
  }
  const std::string limited = *dialect == Dialect::postgresql ? with_time_limits(params) : params;
  const char* reason = nullptr;
  if (apr_dbd_open_ex(database->driver_, database->pool_, limited.c_str(), &database->handle_,
                      &reason) != APR_SUCCESS) {
    database->handle_ = nullptr;
    return said_by_server(reason != nullptr ? reason : "it cannot be opened");
  }
  prepare_refusals(*dialect, database->connection());
  return database;
}

Database::~Database() {
  if (handle_ != nullptr) apr_dbd_close(driver_, handle_);
  if (pool_ != nullptr) apr_pool_destroy(pool_);
}

void* Database::connection() const { return apr_dbd_native_handle(driver_, handle_); }

Error Database::error(int number) {
  const char* const said = apr_dbd_error(driver_, handle_, number);
  const std::string text = said != nullptr && *said != '\0' ? said : "the database says no more";
  refused_values_ = refuses_values(dialect_, connection(), text);
  return said_by_server(words_of(dialect_, text));
}

Result<std::uint64_t> Database::change(const std::string& sql) {
  int rows = 0;
  if (const int failed = apr_dbd_query(driver_, handle_, &rows, sql.c_str()); failed != 0) {
    return error(failed);
  }
  return static_cast<std::uint64_t>(std::max(rows, 0));
}

Status Database::run(const std::string& sql) {
  const auto changed = change(sql);
  if (!changed) return changed.error();
  return Done{};
}

template <class Ask>
Result<std::vector<Row>> Database::rows(Ask ask) {
  apr_pool_t* pool = nullptr;
  apr_pool_create(&pool, pool_);
  apr_dbd_results_t* results = nullptr;
  std::vector<Row> out;
  refused_values_ = false;
  const int failed = ask(pool, &results);
  if (failed == 0) {
    const int columns = apr_dbd_num_cols(driver_, results);
    // Each row anew: the driver of SQLite knows where it is, that of PostgreSQL by the row.
    apr_dbd_row_t* row = nullptr;
    while (apr_dbd_get_row(driver_, pool, results, &row, -1) == 0) {
      Row& values = out.emplace_back();
      for (int i = 0; i < columns; i++) {
        const char* const value = apr_dbd_get_entry(driver_, row, i);
        // The driver of PostgreSQL tells no null from an empty text; the store has none of those.
        const bool none = value == nullptr || *value == '\0';
        values.push_back(none ? Value() : Value(value));
      }
    }
  }
  const Error reason = failed != 0 ? error(failed) : Error{};
  apr_pool_destroy(pool);
  if (failed != 0) return reason;
  return out;
}

Result<std::vector<Row>> Database::select(const std::string& sql) {
  return rows([&](apr_pool_t* pool, apr_dbd_results_t** results) {
    return apr_dbd_select(driver_, pool, handle_, results, sql.c_str(), 1);
  });
}

Result<Database::Statement> Database::prepare(const std::string& sql) {
  Statement statement;
  // PostgreSQL keeps them by name.
  const std::string label = "mailorigin" + std::to_string(statements_++);
  if (const int failed = apr_dbd_prepare(driver_, pool_, handle_, sql.c_str(), label.c_str(),
                                         &statement.prepared_);
      failed != 0) {
    return error(failed);
  }
  return statement;
}

std::vector<const char*> Database::arguments(const std::vector<Value>& values) const {
  std::vector<const char*> out;
  out.reserve(values.size());
  for (const Value& value : values) out.push_back(value ? value->c_str() : nullptr);
  return out;
}

Result<std::uint64_t> Database::run(const Statement& statement, const std::vector<Value>& values) {
  auto given = arguments(values);
  apr_pool_t* pool = nullptr;
  apr_pool_create(&pool, pool_);
  int rows = 0;
  refused_values_ = false;
  const int failed = apr_dbd_pquery(driver_, pool, handle_, &rows, statement.prepared_,
                                    static_cast<int>(given.size()), given.data());
  const Error reason = failed != 0 ? error(failed) : Error{};
  apr_pool_destroy(pool);
  if (failed != 0) return reason;
  return static_cast<std::uint64_t>(std::max(rows, 0));
}

Result<std::vector<Row>> Database::select(const Statement& statement,
                                          const std::vector<Value>& values) {
  auto given = arguments(values);
  return rows([&](apr_pool_t* pool, apr_dbd_results_t** results) {
    return apr_dbd_pselect(driver_, pool, handle_, results, statement.prepared_, 1,
                           static_cast<int>(given.size()), given.data());
  });
}

Result<std::vector<Row>> Database::select(const std::string& sql,
                                          const std::vector<Value>& values) {
  const auto known = std::find_if(prepared_.begin(), prepared_.end(),
                                  [&](const auto& each) { return each.first == sql; });
  if (known != prepared_.end()) return select(known->second, values);
  const auto statement = prepare(sql);
  if (!statement) return statement.error();
  prepared_.emplace_back(sql, *statement);
  return select(*statement, values);
}

Transaction::~Transaction() {
  if (open_) (void)database_.run("ROLLBACK");
}

Status Transaction::begin() {
  // SQLite's own would wait for the lock at the first write, when it may be too late.
  const Status begun =
      database_.run(database_.dialect() == Dialect::sqlite ? "BEGIN IMMEDIATE" : "BEGIN");
  open_ = static_cast<bool>(begun);
  return begun;
}

Status Transaction::commit() {
  const Status committed = database_.run("COMMIT");
  open_ = !committed;
  return committed;
}

}  // namespace mailorigin::store
