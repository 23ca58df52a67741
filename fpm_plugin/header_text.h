// What PHP does to a mail's headers.
#pragma once

#include <string>
#include <string_view>

namespace mailorigin::php {

// Whether PHP will refuse the headers ("Multiple or malformed newlines"), so that
// nothing we put in front makes them pass. `below_x_header`: mail.add_x_header
// is on, and PHP puts a line of its own in front first.
bool php_refuses(std::string_view headers, bool below_x_header);

// To and Subject as mail() sends them: trimmed, control characters blanked, but
// for the line ends that fold.
std::string as_mail_sends(std::string_view text);

// A line end that does not fold (no blank and text after it) would end the field
// and begin another, or the body.
bool has_loose_line_end(std::string_view text);
// Overwrites each with blanks.
void blank_loose_line_ends(char* text, std::size_t length);

}  // namespace mailorigin::php
