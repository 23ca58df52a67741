// The addresses of a list, to be looked up by.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace mailorigin {

// "local@domain" of each mailbox, the domain in lower case, or a name alone where a list
// has no more; each once, at most `most`, none longer than address_limit. Comments and
// display names are left out. Of a list that is none, whatever looks like an address: to
// judge by, there are count_addresses() and the daemon's senders.
std::vector<std::string> addresses_in(std::string_view list, std::size_t most);

inline constexpr std::size_t address_limit = 320;  // RFC 5321: 64 + 1 + 255

// What stands behind the last @; empty where there is none.
std::string_view domain_of(std::string_view address);

// Those of the fields that name recipients (To, Cc, Bcc, Resent-*), and of `to`; as
// addresses_in().
std::vector<std::string> recipient_addresses(std::string_view to, std::string_view headers,
                                             std::size_t most);

}  // namespace mailorigin
