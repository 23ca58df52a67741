#include "firewall/capabilities.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

namespace mailorigin::firewall {

namespace {

constexpr unsigned kept[] = {CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON};

Status keep_capabilities() {
  __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct sets[2]{};
  if (syscall(SYS_capget, &head, sets) != 0) return system_error("capget", errno);
  std::uint32_t wanted[2] = {0, 0};
  for (const unsigned capability : kept) wanted[capability / 32] |= 1U << capability % 32;
  for (int i = 0; i < 2; i++) {
    sets[i].permitted &= wanted[i];
    sets[i].effective = sets[i].permitted;
    sets[i].inheritable = 0;
  }
  if (syscall(SYS_capset, &head, sets) != 0) return system_error("capset", errno);
  return Done{};
}

}  // namespace

Status become_with_capabilities(const service::Account& account) {
  if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0) return system_error("keepcaps", errno);
  // Up to the last that this kernel knows.
  for (unsigned long capability = 0; prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0;) {
    capability++;
  }
  if (const Status became = service::become(account); !became) return became;
  return keep_capabilities();
}

}  // namespace mailorigin::firewall
