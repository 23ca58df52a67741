// The mail that never leaves: `mailorigin status --probe` lets each php-fpm pool send one, to see
// whether it asks.
#pragma once

#include <string_view>

namespace mailorigin {

// A mail whose recipient (mail()'s first argument) is this is refused by whoever sees it first: by
// mailorigind, which records it, and by the asker, whatever it was answered. Nobody loses by it: no
// such domain exists (RFC 6761).
inline constexpr std::string_view probe_recipient = "probe@mailorigin.invalid";
inline constexpr std::string_view probe_reason = "probe";
// The asker's own: the answer would have let it pass, MailOrigin Off say.
inline constexpr std::string_view unjudged_reason = "unjudged";

}  // namespace mailorigin
