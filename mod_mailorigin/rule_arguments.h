// The arguments of the directives that say which mail may leave. Knows no httpd.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/policy.h"
#include "core/result.h"

namespace mailorigin::httpd {

// allow, observe or deny.
Result<Rule> parse_rule(std::string_view argument);
// Or hold.
Result<Rule> parse_mail_rule(std::string_view argument);

// `N/period [burst=N] [per=...] [count=...] [action=...]`; without burst, N.
Result<LimitRule> parse_limit(const std::vector<std::string_view>& arguments);

// `deny`, `hold` or `observe` of "action=...": what becomes of the mail that a rule
// catches. Nothing for an argument that does not begin so.
Result<std::optional<Rule>> parse_action(std::string_view argument);

// A number of recipients from 1 on.
Result<std::uint64_t> parse_max_recipients(std::string_view argument);

// A domain as DNS has it, in ASCII; `*.` before it stands for all below it. In
// lower case and without a trailing dot.
Result<std::string> parse_domain(std::string_view argument);

}  // namespace mailorigin::httpd
