// A mail's headers as text: what PHP does to them, and how ours get in front.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailorigin::php {

using HeaderFields = std::vector<std::pair<std::string, std::string>>;  // name, value

// Whether PHP will refuse the headers ("Multiple or malformed newlines"), so that
// nothing we put in front makes them pass. `below_x_header`: mail.add_x_header
// is on, and PHP puts a line of its own in front first.
bool php_refuses(std::string_view headers, bool below_x_header);

// `fields` in front of the script's headers, in which copies of them are left
// out. A field's name and value must already be fit for one line.
std::string with_fields_in_front(const HeaderFields& fields, std::string_view script_headers,
                                 std::string_view line_end);

// To and Subject as mail() sends them: trimmed, control characters blanked, but
// for the line ends that fold.
std::string as_mail_sends(std::string_view text);

// A line end that does not fold (no blank and text after it) would end the field
// and begin another, or the body.
bool has_loose_line_end(std::string_view text);
// Overwrites each with blanks.
void blank_loose_line_ends(char* text, std::size_t length);

// The fields that can be put among a script's headers: each name once and never
// To or Subject, which PHP writes itself; each value made fit for one line.
HeaderFields usable_fields(const HeaderFields& fields);

}  // namespace mailorigin::php
