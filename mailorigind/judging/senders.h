// MailOriginSender: do the addresses that a mail claims to come from belong to
// the domains of its virtual host?
//
// Domains are in lower case, without a trailing dot, with wildcards as ServerAlias
// has them (* and ?); one without covers itself alone.
//
// What two readers may read differently does not belong: every @ stands in a
// mailbox of one of the domains, a quoted string or a comment that plainly closes.
// No charset is decoded, as no mail server does before it looks for addresses.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.h"

namespace mailorigin::daemon {

// For From. Every list between commas has a mailbox, and all of them belong. What
// stands before one in angle brackets is a name: a mailbox that belongs, [ ] and ;
// may be in it. An empty list holds: PHP's sendmail then puts in the local user.
bool from_belongs_to(std::string_view list, const std::vector<std::string>& domains);

// For the envelope sender, of which a mail server takes the first address that it
// finds: no groups, and no ; in a name. An empty list holds, as without -f.
bool envelope_belongs_to(std::string_view list, const std::vector<std::string>& domains);

// What the mail server itself puts in where a sender is missing, or has no domain.
struct Completion {
  std::string_view account;                 // the name of who sends; empty: not known
  const std::vector<std::string>& domains;  // the mail server's own, in lower case
};

// Whether that is all that a list has: then it is as if there were none.
bool is_completion(std::string_view list, const Completion& completion);

// The addresses of a list of senders in which no reader finds others. Nothing for any other
// list, and where one has no domain.
std::optional<std::vector<std::string>> plain_addresses(std::string_view list);

// Whether a text field has all that was put into it. What does not fit may hide an address
// behind the cut.
bool is_whole(const Event& event, Field field);

}  // namespace mailorigin::daemon
