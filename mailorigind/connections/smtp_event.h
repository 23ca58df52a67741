// What the firewall in the kernel recorded of a connection: struct mo_smtp_event of
// core/abi/layout.h. The kernel wrote it, but the sizes and names in its origin
// are the connecting process's own.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "core/abi/layout.h"

namespace mailorigin::daemon {

inline constexpr std::size_t short_smtp_event = offsetof(mo_smtp_event, origin) + mo_short_origin;

// Nothing if the record's size is none of the two that there are; what a short one
// leaves out is zeroes.
std::optional<mo_smtp_event> smtp_event_of(std::string_view record);

// Views into the origin; all empty where its sizes do not fit it.
struct OriginParts {
  std::string_view context, file, caller;
};
OriginParts parts_of(const mo_origin& origin);

std::string_view program_name(const mo_smtp_event& event);  // `comm`
std::string program_path(const mo_smtp_event& event);       // empty: unknown

}  // namespace mailorigin::daemon
