// The firewall's limits outside the kernel; those inside are in kernel/maps.h.
#pragma once

#include <chrono>
#include <cstddef>

namespace mailorigin::firewall {

// How often names are resolved again, those that failed sooner, and what is ours in
// the kernel is looked at.
inline constexpr std::chrono::minutes refresh_interval{5};
inline constexpr std::chrono::seconds retry_interval{5};
inline constexpr std::chrono::milliseconds check_interval{2000};

// What could come often is said at most once in this time, with how often it was.
inline constexpr std::chrono::seconds repeated_notice_interval{60};

// Uids, and closed connections, that are named in one notice.
inline constexpr std::size_t left_out_users_said = 8;
inline constexpr std::size_t closed_connections_said = 4;

inline constexpr std::size_t names_limit = 4096;
// That are asked for at the same time.
inline constexpr unsigned names_at_once = 8;
// Addresses of one name that count.
inline constexpr std::size_t addresses_per_name = 64;
// The kept file of all of them: a name of 255 bytes and addresses of 45, at most.
inline constexpr std::size_t names_file_limit = 16 << 20;

// mailorigind has one connection; a few more while one replaces another.
inline constexpr std::size_t visitors_limit = 8;
// Registrations that are read in one turn, so that control is not kept waiting.
inline constexpr std::size_t packets_per_turn = 256;
inline constexpr std::size_t ready_per_turn = 64;

// Of a netlink dump of the host's connections; then another one is asked for.
inline constexpr std::size_t connections_closed_at_once = 16'384;

// The firewall does nothing else for so long while connections are closed. What is not closed by
// then is left to the processes that wait for it: some at once, and as many again after each step
// in which they were all kept.
inline constexpr std::chrono::milliseconds closing_patience{400};
inline constexpr std::chrono::milliseconds closing_step{50};
inline constexpr std::size_t closing_processes = 8;
inline constexpr std::size_t closing_processes_limit = 64;
// Of policies, blocks and looks whose closing goes on.
inline constexpr std::size_t closers_limit = 8;

// Of a status: a tenant may have ten thousands of processes, and nobody else is answered meanwhile.
inline constexpr std::chrono::milliseconds older_workers_patience{250};

}  // namespace mailorigin::firewall
