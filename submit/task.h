// What a sendmail program is asked to do by its name and words.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/mail/sendmail_options.h"

namespace mailorigin::submit {

enum class Task : std::uint8_t {
  message,   // send the message on standard input
  dialogue,  // speak SMTP (-bs)
  batch,     // take SMTP commands without answering (-bS)
  probe,     // send a report about addresses and read no message (-bv)
  none,      // no mail, and nothing to read: list the queue, make the aliases anew, ...
  test,      // no mail: what reads words and says what it would do with them (-bt, Exim's -be)
  unclear,   // the real program decides, and nobody here knows which it is
};

// By what `words` (without the name) say. What sends nothing for those programs that know
// it may be a message for another: so it counts as `none` or `test` only without recipients.
Task task_of(std::string_view name, const SendmailOptions& options);

// The names by which sendmail programs go that do other things.
bool is_other_name(std::string_view name);

}  // namespace mailorigin::submit
