// The names of the store: each text once, and a number instead of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "core/result.h"
#include "store/columns.h"
#include "store/database.h"

namespace mailorigin::store {

class Names {
 public:
  // `database` must outlive it.
  explicit Names(Database& database) : database_(database) {}

  Status prepare();

  // The number of a name that was seen then; made if there is none. Inside a transaction.
  Result<std::uint64_t> number(std::string_view field, std::string_view text,
                               std::uint64_t seen_ms);
  // The transaction was taken back, or names have been removed: what is remembered may be
  // wrong.
  void forget() { known_.clear(); }

 private:
  struct Known {
    std::uint64_t number = 0;
    std::uint64_t day = 0;  // until which the database knows that it was seen
  };
  struct Hash {
    std::size_t operator()(const NameHash& hash) const { return hash.first; }
  };
  Database& database_;
  Database::Statement insert_;
  std::unordered_map<NameHash, Known, Hash> known_;
};

}  // namespace mailorigin::store
