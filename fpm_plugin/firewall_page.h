// The page of this process's memory where the firewall in the kernel finds which
// request it works for. Its form: core/abi/layout.h.
#pragma once

#include <cstdint>
#include <string_view>

namespace mailorigin::php {

struct ModuleState;

// In MINIT: has each process that is forked while it is root register its page,
// before it becomes a tenant's. Does nothing where PHP was not started as root.
void register_workers_at_fork();

// At a request's start: publishes its context, if the firewall knows this process.
// A process that never was root, or is older than the firewall, shows its context
// to the daemon first, so that it is known from then on.
void publish_request(ModuleState& state) noexcept;

// When nothing of the request's can run any more.
void withdraw_request();

// Whether the request is published.
bool is_published();

// While a function of PHP's that connects or starts a program is running: where it was called.
// is_published() comes first.
void publish_call(std::string_view file, std::uint64_t line, std::string_view caller);
void withdraw_call();

// The request is about to open a connection, which is not to outlive it.
void expect_connection();

}  // namespace mailorigin::php
