// Limits of what mailorigind and mailorigin-firewall have in common.
#pragma once

#include <chrono>
#include <cstddef>

namespace mailorigin::service {

inline constexpr std::size_t control_connections = 16;
inline constexpr std::size_t notices_kept = 256;

// A predecessor that is asked to end does so well within this time.
inline constexpr std::chrono::seconds lock_patience{10};

}  // namespace mailorigin::service
