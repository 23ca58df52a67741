// mailorigin-firewall's command line.
#pragma once

#include <cstdint>
#include <string>

#include "core/default_paths.h"
#include "core/result.h"

namespace mailorigin::firewall {

struct FirewallOptions {
  std::string user = default_firewall_user;  // a name, or "#uid"
  std::string daemon_user = default_user;
  std::string runtime_directory = default_runtime_directory;
  std::string state_directory = firewall_state_directory(default_state_directory);
  std::string pin_directory = "/sys/fs/bpf/mailorigin";
  std::string cgroup;  // empty: the root of the host's cgroup2
  std::uint32_t mark = 0x5a000000;
  std::uint32_t mark_mask = 0xff000000;
  bool once = false;
  bool remove = false;
  bool help = false;
  bool version = false;
};

extern const char firewall_usage_text[];

Result<FirewallOptions> parse_firewall_options(int count, const char* const arguments[]);

}  // namespace mailorigin::firewall
