// base64url without padding (RFC 4648, section 5).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mailorigin {

std::string base64url_encode(std::string_view bytes);

// Nothing if a character is outside the alphabet, the length is impossible, or
// the unused bits of the last character are not zero: a context has one spelling.
std::optional<std::string> base64url_decode(std::string_view text);

}  // namespace mailorigin
