#include "store/columns.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "core/seal.h"
#include "core/text.h"

namespace mailorigin::store {

namespace {

// Of hostile or personal data what tracing needs is kept, and no more.
constexpr Field not_kept[] = {Field::headers};

// Kept as they are: nearly every mail has another one. All other text is a name.
constexpr Field of_its_own[] = {Field::id,      Field::uri,       Field::request_id,
                                Field::to,      Field::from,      Field::envelope_from,
                                Field::subject, Field::message_id};

// Fields that core/event gains are told by their names here, so that they may come.
constexpr std::string_view also_of_its_own[] = {"queue_id", "mail_id", "cookie"};

template <class List, class Thing>
bool has(const List& list, const Thing& thing) {
  return std::find(std::begin(list), std::end(list), thing) != std::end(list);
}

Column::Kind kind_of(Field field) {
  if (field == Field::time) return Column::Kind::time;
  switch (info(field).type) {
    case FieldType::number:
      return Column::Kind::number;
    case FieldType::boolean:
      return Column::Kind::boolean;
    case FieldType::text:
      break;
  }
  const bool own = has(of_its_own, field) || has(also_of_its_own, info(field).name);
  return own ? Column::Kind::text : Column::Kind::name;
}

constexpr std::array<unsigned char, 16> key(const char (&text)[17]) {
  std::array<unsigned char, 16> out{};
  for (std::size_t i = 0; i < out.size(); i++) out[i] = static_cast<unsigned char>(text[i]);
  return out;
}
constexpr std::string_view between_addresses = ", ";

constexpr auto first_key = key("MailOrigin name1");
constexpr auto second_key = key("MailOrigin name2");
constexpr auto message_id_key = key("MailOrigin msgid");
constexpr auto queue_id_key = key("MailOrigin queue");
constexpr auto address_key = key("MailOrigin rcpt ");

std::int64_t key_of(std::string_view text, const std::array<unsigned char, 16>& key) {
  return static_cast<std::int64_t>(siphash24(text, key));
}

}  // namespace

const std::vector<Column>& event_columns() {
  static const std::vector<Column> columns = [] {
    std::vector<Column> out{{Field::id, Column::Kind::text}};
    for (std::size_t i = 0; i < field_count; i++) {
      const auto field = static_cast<Field>(i);
      if (field != Field::id && !has(not_kept, field)) out.push_back({field, kind_of(field)});
    }
    return out;
  }();
  return columns;
}

std::string storable(std::string_view text) { return one_line(text); }

std::string kept_addresses(const std::vector<std::string>& addresses) {
  std::string out;
  for (const std::string& address : addresses) {
    if (!out.empty()) out += between_addresses;
    out += storable(address);
  }
  return out;
}

bool has_address(std::string_view kept, std::string_view address) {
  for (std::size_t at = 0; (at = kept.find(address, at)) != std::string_view::npos; at++) {
    const std::string_view before = kept.substr(0, at), after = kept.substr(at + address.size());
    const bool begins = before.empty() || before.ends_with(between_addresses);
    if (begins && (after.empty() || after.starts_with(between_addresses))) return true;
  }
  return false;
}

NameHash name_hash(std::string_view field, std::string_view storable_text) {
  std::string whole(field);
  whole.append(1, '\0').append(storable_text);
  return {siphash24(whole, first_key), siphash24(whole, second_key)};
}

std::string name_key(const NameHash& hash) {
  char digits[33];
  std::snprintf(digits, sizeof digits, "%016llx%016llx",
                static_cast<unsigned long long>(hash.first),
                static_cast<unsigned long long>(hash.second));
  return digits;
}

std::string name_key(std::string_view field, std::string_view storable_text) {
  return name_key(name_hash(field, storable_text));
}

std::int64_t message_key(std::string_view message_id) {
  constexpr std::string_view around = " \t\r\n<>";
  const std::size_t begin = std::min(message_id.find_first_not_of(around), message_id.size());
  message_id.remove_prefix(begin);
  message_id = message_id.substr(0, message_id.find_last_not_of(around) + 1);
  return key_of(message_id, message_id_key);
}

std::int64_t queue_key(std::string_view queue_id) { return key_of(queue_id, queue_id_key); }

std::int64_t recipient_key(std::string_view address) { return key_of(address, address_key); }

}  // namespace mailorigin::store
