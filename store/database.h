// One connection to a database, through apr_dbd.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"

struct apr_pool_t;
struct apr_dbd_driver_t;
struct apr_dbd_t;
struct apr_dbd_prepared_t;

namespace mailorigin::store {

// Whose SQL it speaks.
enum class Dialect : std::uint8_t { sqlite, postgresql };

// Nothing for a driver of apr_dbd that the store does not know.
std::optional<Dialect> dialect_of(std::string_view driver);

// A column's value; nothing is NULL. Text is UTF-8 without control characters.
using Value = std::optional<std::string>;
using Row = std::vector<Value>;

// For one thread. Errors are the database's own words.
class Database {
 public:
  // `params` are the driver's: SQLite's file, which is made (mode 0600) if it is not
  // there, or libpq's connection string, which gets time limits where it has none.
  static Result<std::unique_ptr<Database>> open(const std::string& driver,
                                                const std::string& params);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  [[nodiscard]] Dialect dialect() const { return dialect_; }
  // The driver's own: sqlite3* or PGconn*.
  [[nodiscard]] void* connection() const;
  // Whether the last statement with values failed for these: the same would be refused again, and
  // others are taken.
  [[nodiscard]] bool refused_values() const { return refused_values_; }

  // One statement without values, whose rows are of no interest.
  Status run(const std::string& sql);
  // The same; how many rows it concerned.
  Result<std::uint64_t> change(const std::string& sql);
  Result<std::vector<Row>> select(const std::string& sql);

  // A statement with a %s or %lld for each value.
  class Statement {
   public:
    Statement() = default;
    explicit operator bool() const { return prepared_ != nullptr; }

   private:
    friend class Database;
    apr_dbd_prepared_t* prepared_ = nullptr;
  };
  Result<Statement> prepare(const std::string& sql);
  // `values` are as many as it was prepared for. run() returns how many rows it concerned.
  Result<std::uint64_t> run(const Statement& statement, const std::vector<Value>& values);
  Result<std::vector<Row>> select(const Statement& statement, const std::vector<Value>& values);

  // A statement that is prepared once for each text.
  Result<std::vector<Row>> select(const std::string& sql, const std::vector<Value>& values);

 private:
  Database() = default;
  Error error(int number);
  std::vector<const char*> arguments(const std::vector<Value>& values) const;
  template <class Ask>
  Result<std::vector<Row>> rows(Ask ask);

  apr_pool_t* pool_ = nullptr;
  const apr_dbd_driver_t* driver_ = nullptr;
  apr_dbd_t* handle_ = nullptr;
  Dialect dialect_ = Dialect::sqlite;
  bool refused_values_ = false;
  std::uint64_t statements_ = 0;
  std::vector<std::pair<std::string, Statement>> prepared_;
};

// begin() and commit() of one transaction; what is not committed is taken back.
class Transaction {
 public:
  explicit Transaction(Database& database) : database_(database) {}
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  Status begin();
  // After an error nobody knows whether it was: the database may have gone with its answer.
  Status commit();

 private:
  Database& database_;
  bool open_ = false;
};

}  // namespace mailorigin::store
