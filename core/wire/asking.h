// What a process that sends mail says to mailorigind, and what it answers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/context.h"
#include "core/event.h"
#include "core/mail/recipients.h"
#include "core/result.h"
#include "core/ulid.h"
#include "core/verdict.h"
#include "core/wire/packet.h"

namespace mailorigin {

inline constexpr std::size_t scripts_limit = 12288;
inline constexpr std::size_t directory_limit = 1024;
inline constexpr std::size_t explanation_limit = 256;

using Nonce = std::array<std::uint8_t, 16>;

struct Question {
  Nonce nonce{};          // the same when asked again after a lost connection
  std::string context;    // SSL_MAILORIGIN_CONTEXT, empty if there is none
  std::string directory;  // without one: where the script was started, a claim; else empty
  Event claims;           // only fields whose source is FieldSource::claim, and entry
  // Each file on the whole call stack once, for rules alone: an event has only
  // the newest frames. At most scripts_limit bytes; scripts_cut says that there
  // are more.
  std::vector<std::string> scripts{};
  bool scripts_cut = false;
  // It is no call of PHP's: a program hands a message to the mail server.
  bool submitted = false;
  // Whom the mail is for, over all that names recipients.
  std::optional<RecipientDigest> recipients{};
  // Id of the event that this very mail has already; empty: none. Counts once, and only
  // for the same uid and recipients.
  std::string ticket{};
};

struct Answer {
  Nonce nonce{};
  Verdict verdict = Verdict::allow;
  // False: the daemon could not write its journal; the sender then does what
  // mailorigin.on_timeout says.
  bool recorded = true;
  std::string id;      // event id; empty when nothing is recorded (MailOrigin Off)
  std::string reason;  // a stable word
  // Seconds until a mail that a limit or a block refused may leave; 0 where that is not so.
  std::uint64_t retry_after = 0;
  // What an administrator has to say to whom he has blocked; one line of plain text.
  std::string explanation{};
  std::vector<std::pair<std::string, std::string>> headers;  // name, value
};

// Below packet_limit: every claim is within its field's limit already.
std::string encode_question(const Question& question);
Result<Question> decode_question(std::string_view packet);
// The same into `question`, whose memory is used again.
Status decode_question(std::string_view packet, Question& question);
std::string encode_answer(const Answer& answer);
Result<Answer> decode_answer(std::string_view packet);

// Shows a process's context without asking about a mail, so that the firewall
// knows the process. The answer allows it or says why not.
struct Registration {
  Nonce nonce{};
  std::string context;     // SSL_MAILORIGIN_CONTEXT
  std::uint64_t page = 0;  // address of its struct mo_page; 0: it has none
};
std::string encode_registration(const Registration& registration);
Result<Registration> decode_registration(std::string_view packet);

// PHP has begun with a request: shows SSL_MAILORIGIN_CONTEXT, so that the daemon
// knows of which virtual hosts it would be asked.
std::string encode_hello(std::string_view context);
Result<std::string_view> decode_hello(std::string_view packet);  // points into `packet`

}  // namespace mailorigin
