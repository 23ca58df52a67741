// What an event says of where it comes from.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/context.h"
#include "core/event.h"
#include "core/key.h"
#include "core/policy.h"
#include "core/unix_socket.h"

namespace mailorigin::daemon {

// A context of which the kernel has verified the tag, from its bytes or as many of them as it
// had room for. The day for which a context holds does not end for what it has verified.
std::optional<Context> context_verified_by_kernel(std::string_view bytes,
                                                  const std::optional<KeyRing>& keys,
                                                  const Policy& policy, std::uint64_t boottime_ns);

// What an event's origin_from says where the kernel knew the origin.
inline constexpr std::string_view from_firewall = "firewall";

// A context whose seal held, shown by whom it was meant for. Which site its virtual host
// is of says the policy, which need not know that one any more.
void describe_origin(Event& event, const Context& context, const Policy& policy);

// No such context, but a uid that this virtual host alone runs as.
void describe_owner(Event& event, const VhostPolicy& vhost);

// Who asked, as the kernel has it; `user` is the uid's name, empty if unknown.
void describe_process(Event& event, const Credentials& process, std::string_view user);

}  // namespace mailorigin::daemon
