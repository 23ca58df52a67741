// Which recipients, and how many, an address list may have for a mail server.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mailorigin {

// MailOriginMaxRecipients, MailOriginLimit count=recipients. Exact for a list as
// RFC 5322, 3.4 has it, also with names that have no domain, or [ ] in a display
// name. Any other is read differently by each mail server: then all that could
// be an address for any of them counts, so that none delivers to more.
std::uint64_t count_addresses(std::string_view list);

// The addresses of a list as RFC 5322 has it, without names, comments and blanks, their
// domains in lower case. Nothing for any other list.
std::optional<std::vector<std::string>> addresses_in(std::string_view list);

// Names a set of recipients, so that it can be compared later with another.
using RecipientDigest = std::array<std::uint8_t, 16>;

// The recipients of one mail, over all lists that name some: two have the same digest if
// they name the same, in any order and form. A list that only some would understand
// counts as it is written, without its blanks.
class RecipientSet {
 public:
  void add(std::string_view list);
  RecipientDigest digest();

 private:
  std::vector<std::string> members_;
};

}  // namespace mailorigin
