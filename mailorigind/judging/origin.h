// What an event says of where it comes from.
#pragma once

#include "core/context.h"
#include "core/event.h"
#include "core/policy.h"

namespace mailorigin::daemon {

// A context whose seal held, shown by whom it was meant for. Which site its virtual host
// is of says the policy, which need not know that one any more.
void describe_origin(Event& event, const Context& context, const Policy& policy);

// No such context, but a uid that this virtual host alone runs as.
void describe_owner(Event& event, const VhostPolicy& vhost);

}  // namespace mailorigin::daemon
