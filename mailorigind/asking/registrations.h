// Registrations: processes that make themselves known to the firewall, by the
// context that they show.
#pragma once

#include <string_view>

#include "mailorigind/asking/connection_table.h"
#include "mailorigind/asking/waiting_answers.h"
#include "mailorigind/connections/firewall_link.h"
#include "mailorigind/judging/judge.h"
#include "mailorigind/moment.h"

namespace mailorigin::daemon {

class Registrations {
 public:
  // Adds to `waiting` what is answered once the firewall knows the process. All
  // references must outlive it.
  Registrations(Judge& judge, FirewallLink& firewall, WaitingAnswers& waiting)
      : judge_(judge), firewall_(firewall), waiting_(waiting) {}

  // Empty: the answer waits. Otherwise why the process is not registered.
  std::string_view begin(const Registration& registration, const AskingConnection& connection,
                         const AskingProcess& asker, const Moment& moment);

 private:
  Judge& judge_;
  FirewallLink& firewall_;
  WaitingAnswers& waiting_;
};

}  // namespace mailorigin::daemon
