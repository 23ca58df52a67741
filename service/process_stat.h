// /proc/PID/stat, as proc(5) has it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mailorigin::service {

// The places of numbers there.
enum class ProcessStat { parent = 4, flags = 9, threads = 20, start_ticks = 22 };

// The whole of a directory's: /proc/PID, or /proc/PID/task/TID, which costs the kernel
// the same however many threads there are. Nothing where there is none.
std::optional<std::string> read_process_stat(const std::string& directory);

// The command in parentheses may hold anything, so places are counted from the last
// closing one. Nothing if there is no such number.
std::optional<std::uint64_t> process_stat_number(std::string_view stat, ProcessStat place);

}  // namespace mailorigin::service
