// What an event says of where it comes from.
#pragma once

#include <string_view>

#include "core/context.h"
#include "core/event.h"
#include "core/policy.h"
#include "core/unix_socket.h"

namespace mailorigin::daemon {

// A context whose seal held, shown by whom it was meant for. Which site its virtual host
// is of says the policy, which need not know that one any more.
void describe_origin(Event& event, const Context& context, const Policy& policy);

// No such context, but a uid that this virtual host alone runs as.
void describe_owner(Event& event, const VhostPolicy& vhost);

// Who asked, as the kernel has it; `user` is the uid's name, empty if unknown.
void describe_process(Event& event, const Credentials& process, std::string_view user);

}  // namespace mailorigin::daemon
