// Text as bytes: compared, cut, and made safe for one line of a log or one header.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mailorigin {

// Length in bytes of the UTF-8 character at the start of `text`, 0 if what
// stands there is not one (overlong forms and surrogates are not).
std::size_t utf8_character(std::string_view text);

// Whether they are the same but for the case of ASCII's letters, in any locale.
bool equal_ignoring_case(std::string_view a, std::string_view b);

// With ASCII's letters in lower case, in any locale.
std::string lower_case(std::string_view text);

// Two hexadecimal digits, in small letters.
void append_hex(std::string& out, unsigned char byte);

// One of ASCII's ten.
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Without ASCII's white space at both ends, in any locale.
std::string_view trimmed(std::string_view text);

// The longest prefix of at most `limit` bytes that does not end inside a character.
std::string_view cut(std::string_view text, std::size_t limit);

// One line: CR and LF become spaces; other control characters (C1 and DEL included),
// what is never seen (see unseen_characters.h) and bytes that are not UTF-8 become \xHH.
void append_one_line(std::string& out, std::string_view text);
std::string one_line(std::string_view text);

// A header's value: as one line, and everything outside printable ASCII becomes
// \xHH; cut to 900 bytes so that the line stays below RFC 5322's 998.
std::string header_value(std::string_view text);

}  // namespace mailorigin
