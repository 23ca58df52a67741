// How many recipients an address list may have for a mail server.
#pragma once

#include <cstdint>
#include <string_view>

namespace mailorigin {

// MailOriginMaxRecipients, MailOriginLimit count=recipients. Exact for a list as
// RFC 5322, 3.4 has it, also with names that have no domain, or [ ] in a display
// name. Any other is read differently by each mail server: then all that could
// be an address for any of them counts, so that none delivers to more.
std::uint64_t count_addresses(std::string_view list);

}  // namespace mailorigin
