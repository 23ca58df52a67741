// What else mail needs of a host: a clock that is right, and a program that takes mail.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace mailorigin::reports {

struct HostFacts {
  bool clock_is_synchronized = false;  // as the kernel is told
  std::string mail_program;            // where /usr/sbin/sendmail leads; empty: there is none
  std::uint64_t now_ms = UINT64_MAX;   // since the epoch
};
HostFacts host_facts();

// A clock that was set back makes events that are older than what was before them. `started`: when
// the daemon was, as it says.
void check_clock(const HostFacts& facts, const std::string& started, nlohmann::json& findings);

}  // namespace mailorigin::reports
