// Names of an enumeration's values, in the order of the values.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace mailorigin {

template <class Enumeration, std::size_t size>
constexpr std::string_view name_of(Enumeration value, const std::string_view (&names)[size]) {
  return names[static_cast<std::size_t>(value)];
}

template <class Enumeration, std::size_t size>
constexpr std::optional<Enumeration> value_named(std::string_view name,
                                                 const std::string_view (&names)[size]) {
  for (std::size_t i = 0; i < size; i++) {
    if (name == names[i]) return static_cast<Enumeration>(i);
  }
  return std::nullopt;
}

}  // namespace mailorigin
