// The question about a mail that a program hands to the mail server.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/outcome.h"
#include "core/mail/sendmail_options.h"
#include "core/wire/asking.h"
#include "submit/exit_status.h"

namespace mailorigin::submit {

// What is the same for all mails of this process: the context and the call of PHP's that
// it has inherited, if need be by what its ancestors had, or where it was started.
Question inherited_question();

// The event of the mail that mail() has started this program for; empty: none. No longer
// in the environment then.
std::string take_ticket();

// A message with its arguments. `fields` is its header; the body's size may be unknown.
void describe_message(Question& question, std::string_view fields,
                      std::optional<std::uint64_t> body_size,
                      const std::vector<std::string>& arguments);

// A transaction of an SMTP dialogue.
struct Envelope {
  std::string sender;
  std::vector<std::string> recipients;
};
// `arguments` may name another configuration, as in a message.
void describe_transaction(Question& question, std::string_view fields, const Envelope& envelope,
                          const std::vector<std::string>& arguments);

// What is said to whom may not send, in one line without number.
std::string refusal_text(const client::Outcome& outcome);
// That line, and whether trying again later may help.
Ending refusal(const client::Outcome& outcome);

}  // namespace mailorigin::submit
