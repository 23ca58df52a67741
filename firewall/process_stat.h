// /proc/PID/stat, as proc(5) has it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mailorigin::firewall {

inline constexpr std::size_t process_stat_limit = 4096;  // of its bytes

// A number by its place there, 4 at least. The command in parentheses may hold anything, so
// places are counted from the last closing one. Nothing if there is no such number.
std::optional<std::uint64_t> process_stat_field(std::string_view stat, int field);

}  // namespace mailorigin::firewall
