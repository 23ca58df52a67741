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

// In the order of the fields. The id is the first; without the fields that are not kept:
// `to` is kept address by address, `headers` is nobody's business.
const std::vector<Column>& event_columns();

// One line of UTF-8, which every database takes: what else a value has becomes \xHH.
std::string storable(std::string_view text);

// The key of a name: 32 hexadecimal digits, two SipHashes of field and text.
std::string name_key(std::string_view field, std::string_view storable_text);

// What a Message-ID is looked up by: without angle brackets and blanks, as a number.
std::string message_key(std::string_view message_id);

}  // namespace mailorigin::store
