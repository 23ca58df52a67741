// MailOriginSender: do the addresses that a mail claims to come from belong to
// the domains of its virtual host?
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mailorigin::daemon {

// Domains in lower case, without a trailing dot, with wildcards as ServerAlias has
// them (* and ?); one without covers itself alone.
// Addresses are read by GMime. False for a list in which one mailbox is of
// another domain or of none, or in which something stands that the parser did
// not take for a mailbox and a mail server might. An empty list holds: PHP's
// sendmail then puts in the local user, as it does without -f.
bool addresses_belong_to(std::string_view list, const std::vector<std::string>& domains);

}  // namespace mailorigin::daemon
