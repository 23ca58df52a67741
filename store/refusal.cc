#include "store/refusal.h"

#include <algorithm>
#include <array>

#include "store/driver_functions.h"

namespace mailorigin::store {

namespace {

// sqlite3_errcode()
constexpr int sqlite_too_big = 18, sqlite_constraint = 19, sqlite_mismatch = 20;

// PQsetErrorVerbosity(): PQERRORS_VERBOSE, with which a message begins with its SQLSTATE.
constexpr int verbose = 2;

// Classes of SQLSTATE: data exceptions, constraints, limits of the program, views' checks, and what
// a trigger raises.
constexpr std::array<std::string_view, 5> value_classes = {"22", "23", "54", "44", "P0"};

constexpr std::size_t sqlstate_length = 5;

// Of "ERROR:  23514: new row ...", whatever language the first word is of; empty: there is none.
std::string_view sqlstate_of(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return {};
  const std::size_t begin = text.find_first_not_of(' ', colon + 1);
  if (begin == std::string_view::npos || text.size() <= begin + sqlstate_length) return {};
  const std::string_view state = text.substr(begin, sqlstate_length);
  const bool is_one =
      text[begin + sqlstate_length] == ':' && std::all_of(state.begin(), state.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
      });
  return is_one ? state : std::string_view();
}

}  // namespace

void prepare_refusals(Dialect dialect, void* connection) {
  if (dialect != Dialect::postgresql) return;
  const auto set = function_of<int(void*, int)>(postgresql_library, "PQsetErrorVerbosity");
  if (set != nullptr && connection != nullptr) set(connection, verbose);
}

bool refuses_values(Dialect dialect, void* connection, std::string_view text) {
  if (dialect == Dialect::postgresql) {
    const std::string_view state = sqlstate_of(text);
    return std::any_of(value_classes.begin(), value_classes.end(),
                       [&](std::string_view each) { return state.starts_with(each); });
  }
  const auto code_of = function_of<int(void*)>(sqlite_library, "sqlite3_errcode");
  if (code_of == nullptr || connection == nullptr) return false;
  const int code = code_of(connection);
  return code == sqlite_constraint || code == sqlite_too_big || code == sqlite_mismatch;
}

std::string_view words_of(Dialect dialect, std::string_view text) {
  if (dialect != Dialect::postgresql || sqlstate_of(text).empty()) return text;
  return text.substr(0, text.find('\n'));
}

}  // namespace mailorigin::store
