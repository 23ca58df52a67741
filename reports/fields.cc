#include "reports/fields.h"

#include <algorithm>

namespace mailorigin::reports {

using nlohmann::json;

const json& member(const json& object, const char* name) {
  static const json nothing;
  if (!object.is_object()) return nothing;
  const auto found = object.find(name);
  return found == object.end() ? nothing : *found;
}

std::string text_at(const json& object, const char* name) {
  const json& value = member(object, name);
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::uint64_t number_at(const json& object, const char* name) {
  const json& value = member(object, name);
  if (value.is_number_unsigned()) return value.get<std::uint64_t>();
  return value.is_number_integer()
             ? static_cast<std::uint64_t>(std::max<std::int64_t>(value.get<std::int64_t>(), 0))
             : 0;
}

bool flag_at(const json& object, const char* name) {
  const json& value = member(object, name);
  return value.is_boolean() && value.get<bool>();
}

const json& array_at(const json& object, const char* name) {
  static const json none = json::array();
  const json& value = member(object, name);
  return value.is_array() ? value : none;
}

}  // namespace mailorigin::reports
