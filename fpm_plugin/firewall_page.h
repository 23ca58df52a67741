// The page of this process's memory where the firewall in the kernel finds which
// request it works for. Its form: core/abi/layout.h.
#pragma once

#include <string_view>

namespace mailorigin::php {

struct ModuleState;
struct CallSite;

// In MINIT: has each process that is forked while it is root register its page,
// before it becomes a tenant's. Does nothing where PHP was not started as root.
void register_workers_at_fork();

// At a request's start: publishes its context, if the firewall knows this process.
// A process that never was root, or is older than the firewall, shows its context
// to the daemon first, so that it is known from then on.
void publish_request(ModuleState& state) noexcept;

// When nothing of the request's can run any more.
void withdraw_request();

// While a function of PHP's that connects is running: where it was called. False
// from begin_call(), which comes first, if nobody would read it.
bool begin_call();
void publish_call(const CallSite& site);
void withdraw_call();

}  // namespace mailorigin::php
