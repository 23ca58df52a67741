// The parts of a mail's headers that MailOrigin needs, read from hostile bytes.
//
// A line ends with CR LF, CR or LF alone: a mail server may take any of them.
// A field continues on lines that begin with a blank (RFC 5322, 2.2.3).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mailorigin {

// The fields without any named `name` (case is ignored, blanks before the colon
// too), their continuation lines included.
std::string without_field(std::string_view headers, std::string_view name);

// The unfolded value of the first field of that name; empty if there is none.
std::string field_value(std::string_view headers, std::string_view name);

// Addresses in a list as RFC 5322, 3.4 has it: commas outside quotes, comments
// and angle brackets separate, a group counts its members. What is left open at
// the end (a quote, say) is malformed: then every comma separates.
std::uint64_t count_addresses(std::string_view list);

struct MailFacts {
  std::uint64_t recipients = 0;  // over To, Cc, Bcc, Resent-* and the arguments
  std::string from;              // the From field; several are joined by commas
  std::string envelope_from;     // of every -f, -r and --from, joined by commas
  std::string message_id;
};

// `to` is mail()'s first argument, `parameters` its fifth as it reaches the shell
// (escapeshellcmd): what is not an option there is a recipient.
MailFacts examine_mail(std::string_view to, std::string_view headers, std::string_view parameters);

}  // namespace mailorigin
