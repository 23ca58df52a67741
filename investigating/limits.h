// How much of a host is looked at for one file. What a tenant owns may be as large, as many and as
// slow as the tenant likes.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mailorigin::investigating {

inline constexpr std::uint64_t content_limit = 1ULL << 30;    // bytes hashed and looked at
inline constexpr std::size_t clients_limit = 100'000;         // told apart
inline constexpr std::size_t shown_line_limit = 4096;         // bytes
inline constexpr std::size_t login_lines_limit = 100;         //
inline constexpr std::size_t entries_limit = 200'000;         // of directories, for neighbours
inline constexpr std::size_t siblings_limit = 2000;           // in the file's own directory
inline constexpr std::size_t neighbours_limit = 50;           // that are named
inline constexpr std::uint64_t neighbours_ms = 5 * 60'000;    // before and after
inline constexpr std::uint64_t logins_ms = 10 * 60'000;       // before and after
inline constexpr int walk_seconds = 10;                       // through directories
inline constexpr int program_seconds = 30;                    // dpkg, rpm, journalctl: each
inline constexpr std::size_t program_output_limit = 4 << 20;  // bytes
inline constexpr int clamd_seconds = 120;                     // altogether
inline constexpr std::uint64_t clamd_content_limit = 100ULL
                                                     << 20;  // bytes; its own limit may be less

}  // namespace mailorigin::investigating
