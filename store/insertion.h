// Insertion: rows for one table, many with one statement.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/result.h"
#include "store/database.h"

namespace mailorigin::store {

// For one thread.
class Insertion {
 public:
  struct Column {
    std::string name;
    bool is_text = false;  // or a number
  };

  // `rest` is what stands behind the rows: " ON CONFLICT ...". `database` must outlive it.
  Insertion(Database& database, const std::string& table, std::vector<Column> columns,
            std::string rest);

  // In the order of the columns. Kept in memory until write().
  void add(Row row) { waiting_.push_back(std::move(row)); }
  // Whether there are as many as go with one statement.
  [[nodiscard]] bool is_worth_writing() const;
  // All of them. Inside a transaction.
  Status write();
  void forget() { waiting_.clear(); }

 private:
  Result<Database::Statement> prepare(std::size_t rows);

  Database& database_;
  const std::string head_;  // "INSERT INTO t (columns) "
  const std::vector<Column> columns_;
  const std::string rest_;
  std::vector<Row> waiting_;
  std::map<std::size_t, Database::Statement> statements_;  // by number of rows
};

}  // namespace mailorigin::store
