// mailorigin-firewall's command line.
#pragma once

#include <cstdint>
#include <string>

#include "core/result.h"

namespace mailorigin::firewall {

struct FirewallOptions {
  std::string user = "mailorigin-firewall";  // a name, or "#uid"
  std::string daemon_user = "mailorigin";
  std::string runtime_directory = "/run/mailorigin";
  std::string state_directory = "/var/lib/mailorigin-firewall";
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
