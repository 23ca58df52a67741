#include "mod_mailorigin/kept.h"

#include <new>
#include <type_traits>

#include "mod_mailorigin/companion_process.h"

namespace mailorigin::httpd {

namespace {

constexpr const char* name = "mailorigin-kept";

}  // namespace

Kept& kept(process_rec* process) {
  void* found = nullptr;
  apr_pool_userdata_get(&found, name, process->pool);
  if (auto* const present = static_cast<Kept*>(found)) {
    if (present->layout == kept_layout) return *present;
    if (present->daemon > 0) stop_process(present->daemon, handover_patience);
    if (present->layout > 1 && present->firewall > 0) {
      stop_process(present->firewall, handover_patience);
    }
    if (present->layout > 2 && present->milter > 0) {
      stop_process(present->milter, handover_patience);
    }
  }

  static_assert(std::is_trivially_destructible_v<Kept> && std::is_trivially_copyable_v<Kept>);
  Kept* fresh = new (apr_pcalloc(process->pool, sizeof(Kept))) Kept{};
  fresh->layout = kept_layout;
  fresh->control.fd = fresh->exim.fd = -1;
  for (KeptSocket& socket : fresh->questions) socket.fd = -1;
  fresh->lifeline_read = fresh->lifeline_write = -1;
  fresh->daemon_state.connection = fresh->firewall_state.connection =
      fresh->milter_state.connection = -1;
  // A copy of the name: this module's constants are unmapped at a restart.
  apr_pool_userdata_set(fresh, name, nullptr, process->pool);
  return *fresh;
}

}  // namespace mailorigin::httpd
