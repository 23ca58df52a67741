#include "store/insertion.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace mailorigin::store {

namespace {

// So many rows go with one statement: a server's answer costs more than a row. SQLite takes 32,766
// values with one, PostgreSQL 65,535.
constexpr std::size_t row_counts[] = {256, 32, 4, 1};

std::string head_of(const std::string& table, const std::vector<Insertion::Column>& columns) {
  std::string names;
  for (const auto& column : columns) {
    names += (names.empty() ? "\"" : ", \"") + column.name + '"';
  }
  return "INSERT INTO " + table + " (" + names + ") ";
}

}  // namespace

Insertion::Insertion(Database& database, const std::string& table, std::vector<Column> columns,
                     std::string rest)
    : database_(database),
      head_(head_of(table, columns)),
      columns_(std::move(columns)),
      rest_(std::move(rest)) {}

bool Insertion::is_worth_writing() const { return waiting_.size() >= row_counts[0]; }

Status Insertion::write() {
  std::vector<Value> values;
  for (std::size_t done = 0; done < waiting_.size();) {
    const std::size_t left = waiting_.size() - done;
    const std::size_t rows = *std::find_if(std::begin(row_counts), std::end(row_counts),
                                           [&](std::size_t count) { return count <= left; });
    const auto statement = prepare(rows);
    if (!statement) return statement.error();
    values.clear();
    for (std::size_t i = done; i < done + rows; i++) {
      std::move(waiting_[i].begin(), waiting_[i].end(), std::back_inserter(values));
    }
    if (const auto inserted = database_.run(*statement, values); !inserted) {
      return inserted.error();
    }
    done += rows;
  }
  waiting_.clear();
  return Done{};
}

Result<Database::Statement> Insertion::prepare(std::size_t rows) {
  Database::Statement& statement = statements_[rows];
  if (statement) return statement;
  std::string row;
  for (const Column& column : columns_) {
    row += (row.empty() ? "(" : ", ") + std::string(column.is_text ? "%s" : "%lld");
  }
  std::string sql = head_ + "VALUES ";
  for (std::size_t i = 0; i < rows; i++) sql += (i == 0 ? "" : ", ") + row + ')';
  const auto prepared = database_.prepare(sql + rest_);
  if (prepared) statement = *prepared;
  return prepared;
}

}  // namespace mailorigin::store
