// Postfix's main.cf, as far as others have to know what it says.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mailorigin {

inline constexpr const char* main_cf_path = "/etc/postfix/main.cf";
inline constexpr std::size_t main_cf_limit = 1 << 20;  // bytes that are looked at

// What the file's text says of a parameter at last, its continuation lines included and $names
// as they are written; nothing if it is silent.
std::optional<std::string> main_cf_setting(std::string_view text, std::string_view name);

}  // namespace mailorigin
