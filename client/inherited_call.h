// What a call of PHP's leaves in the environment of the programs that it starts, beside
// the context: for whoever of them hands a mail to the mail server.
#pragma once

#include <string>
#include <string_view>

#include "core/wire/asking.h"

namespace mailorigin::client {

// Where in the script the program was started.
inline constexpr std::string_view call_variable = "MAILORIGIN_CALL";
// The event of the mail that mail() has started the program for.
inline constexpr std::string_view ticket_variable = "MAILORIGIN_TICKET";

inline constexpr std::size_t call_text_limit = 65'536;  // bytes; a kernel takes 131,072

// Of a question that has been put together for the call, the part that says where it
// stands: claims about the script, and the names for MailOriginDenyScript.
std::string encode_call(const Question& question);

// Into the claims and scripts of `question`. A text that is no call's leaves it as it is.
void decode_call(std::string_view text, Question& question);

}  // namespace mailorigin::client
