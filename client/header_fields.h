// The header fields that the daemon wants a mail to carry: checked, and put in front
// of those that the mail has.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailorigin::client {

using HeaderFields = std::vector<std::pair<std::string, std::string>>;  // name, value

// The fields that can be put among a mail's headers: each name once and never To or
// Subject, which are the mail's own; each value made fit for one line.
HeaderFields usable_fields(const HeaderFields& fields);

// `fields` in front of the mail's headers, in which copies of them are left out. A
// field's name and value must already be fit for one line.
std::string with_fields_in_front(const HeaderFields& fields, std::string_view headers,
                                 std::string_view line_end);

}  // namespace mailorigin::client
