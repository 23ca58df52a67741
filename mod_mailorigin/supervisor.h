// MailOrigin's processes seen from httpd's root parent: what they are started
// with, and when.
#pragma once

#include <memory>

#include "core/fd.h"
#include "core/result.h"
#include "mod_mailorigin/companion.h"
#include "mod_mailorigin/configuration.h"
#include "mod_mailorigin/kept.h"

namespace mailorigin::httpd {

// One per configuration, in its pool (pconf); what lasts longer is in Kept.
class Supervisor {
 public:
  // Both outlive it. Takes the policy out of `configuration`.
  Supervisor(apr_pool_t* pool, Configuration& configuration, Kept& kept);

  // At the end of each start and restart. An error stops httpd: without a key
  // or sockets there is nothing to go on with. A daemon that does not come, or
  // is not there, is reported and tried again later.
  Status start();

  // Every few seconds, by httpd's monitor hook.
  void tend();

  // In a child of httpd.
  void drop_in_child();

  // When httpd itself ends.
  void finish();

 private:
  Status read_key();
  Result<bool> prepare_sockets();
  Status start_firewall(const PolicyToPush& policy);
  [[nodiscard]] bool firewall_is_needed() const;
  void stop_firewall_that_is_off();
  Status start_milter(const PolicyToPush& policy);
  [[nodiscard]] bool milter_is_ours() const;

  Configuration& configuration_;
  Kept& kept_;
  Companion daemon_;
  Companion firewall_;
  Companion milter_;
  FirewallMode firewall_mode_ = FirewallMode::off;
  Fd policy_;
};

}  // namespace mailorigin::httpd
