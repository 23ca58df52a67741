#include "store/columns.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "core/seal.h"
#include "core/text.h"

namespace mailorigin::store {

namespace {

// Of hostile or personal data what tracing needs is kept, and no more.
constexpr Field not_kept[] = {Field::to, Field::headers};

// Kept as they are: nearly every mail has another one. All other text is a name.
constexpr Field of_its_own[] = {Field::id,        Field::uri,           Field::request_id,
                                Field::from,      Field::envelope_from, Field::subject,
                                Field::message_id};

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
constexpr auto first_key = key("MailOrigin name1");
constexpr auto second_key = key("MailOrigin name2");
constexpr auto message_id_key = key("MailOrigin msgid");

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

std::string name_key(std::string_view field, std::string_view storable_text) {
  std::string whole(field);
  whole.append(1, '\0').append(storable_text);
  char digits[33];
  std::snprintf(digits, sizeof digits, "%016llx%016llx",
                static_cast<unsigned long long>(siphash24(whole, first_key)),
                static_cast<unsigned long long>(siphash24(whole, second_key)));
  return digits;
}

std::string message_key(std::string_view message_id) {
  constexpr std::string_view around = " \t\r\n<>";
  const std::size_t begin = std::min(message_id.find_first_not_of(around), message_id.size());
  message_id.remove_prefix(begin);
  message_id = message_id.substr(0, message_id.find_last_not_of(around) + 1);
  return std::to_string(static_cast<std::int64_t>(siphash24(message_id, message_id_key)));
}

}  // namespace mailorigin::store
