// Which fields of an event the store keeps, and how.
//
// The columns come from core/event's table: a field that is added there gets one by its
// type, unless the few lists in columns.cc say otherwise.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.h"

namespace mailorigin::store {

struct Column {
  enum class Kind : std::uint8_t {
    name,     // what events have in common: a number, of mailorigin_name
    text,     // as it is
    number,   // null where it does not fit 63 bits
    boolean,  // 1, or null
    time,     // milliseconds since the epoch
  };
  Field field;
  Kind kind;

  [[nodiscard]] std::string_view name() const { return info(field).name; }
};

// In the order of the fields. The id is the first; `headers` is not kept, it is nobody's business.
// `to` is what kept_addresses() makes of it.
const std::vector<Column>& event_columns();

// One line of UTF-8, which every database takes: what else a value has becomes \xHH.
std::string storable(std::string_view text);

// Of one mail.
inline constexpr std::size_t recipients_kept = 200;

// The column of `to`: addresses with ", " between them.
std::string kept_addresses(const std::vector<std::string>& addresses);
bool has_address(std::string_view kept, std::string_view address);

// Two SipHashes of field and text, by which a name is known.
struct NameHash {
  std::uint64_t first = 0, second = 0;
  bool operator==(const NameHash&) const = default;
};
NameHash name_hash(std::string_view field, std::string_view storable_text);
// The same as the tables have it: 32 hexadecimal digits.
std::string name_key(const NameHash& hash);
std::string name_key(std::string_view field, std::string_view storable_text);

// What an event is looked up by: a number, which others may share. Of a Message-ID without angle
// brackets and blanks.
std::int64_t message_key(std::string_view message_id);
std::int64_t queue_key(std::string_view queue_id);
std::int64_t recipient_key(std::string_view address);

}  // namespace mailorigin::store
