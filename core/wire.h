// The messages between sender, httpd and daemon: one SOCK_SEQPACKET packet each.
//
// A packet is a four-byte head (version, type, 0, 0) and name-value pairs; the
// bytes are specified in docs/formats.md.
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
#include "core/key.h"
#include "core/result.h"

namespace mailorigin {

inline constexpr std::size_t packet_limit = 65536;
inline constexpr std::uint8_t wire_version = 1;
inline constexpr std::size_t scripts_limit = 12288;

enum class MessageType : std::uint8_t {
  question = 1,      // sender -> daemon
  answer = 2,        // daemon -> sender
  registration = 3,  // process -> daemon: who I am, for the firewall; answered
  policy = 16,       // httpd -> daemon, with one descriptor: a memfd of Policy::encode()
  descriptors = 17,  // httpd -> daemon, with 1..253 descriptors: targets, in order
  commit = 18,       // httpd -> daemon: use them
  reply = 19,        // daemon -> httpd: to commit
  notice = 20,       // daemon -> httpd: a line for error_log
  attach = 32,       // daemon -> firewall: asks for the ring buffer
  ring = 33,         // firewall -> daemon, with one descriptor: the ring buffer's map
  process = 34,      // daemon -> firewall: after the head a struct mo_registration
  remove = 35,       // root -> firewall: out of the kernel with all that is yours; replied to
  status = 48,       // command line -> daemon or firewall: how are you?
  status_reply = 49,
  show_policy = 50,   // command line -> daemon: what is in force?
  policy_shown = 51,  // daemon -> command line, with one descriptor: a memfd of Policy::encode()
};

// The type of a packet with a valid head; nothing otherwise.
std::optional<MessageType> message_type(std::string_view packet);

// ---- sender and daemon

using Nonce = std::array<std::uint8_t, 16>;

struct Question {
  Nonce nonce{};        // the same when asked again after a lost connection
  std::string context;  // SSL_MAILORIGIN_CONTEXT, empty if there is none
  Event claims;         // only fields whose source is FieldSource::claim, and entry
  // Each file on the whole call stack once, for rules alone: an event has only
  // the newest frames. At most scripts_limit bytes; scripts_cut says that there
  // are more.
  std::vector<std::string> scripts{};
  bool scripts_cut = false;
};

enum class Verdict : std::uint8_t { allow, observe, deny, redirect };
std::string_view verdict_name(Verdict verdict);
std::optional<Verdict> verdict_named(std::string_view name);

struct Answer {
  Nonce nonce{};
  Verdict verdict = Verdict::allow;
  // False: the daemon could not write its journal; the sender then does what
  // mailorigin.on_failure says, as if there were no daemon.
  bool recorded = true;
  std::string id;      // event id; empty when nothing is recorded (MailOrigin Off)
  std::string reason;  // a stable word
  // Seconds until a mail that a limit refused may leave; 0 where that is not so.
  std::uint64_t retry_after = 0;
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

// ---- httpd and daemon (root only)

inline constexpr std::size_t descriptors_per_packet = 253;  // the kernel's SCM_MAX_FD

struct PolicyMessage {
  std::string instance;
  KeyRing keys;
};
std::string encode_policy_message(const PolicyMessage& message);
Result<PolicyMessage> decode_policy_message(std::string_view packet);

std::string encode_descriptors_message(std::size_t first_target);
Result<std::size_t> decode_descriptors_message(std::string_view packet);

// Empty error: accepted.
std::string encode_reply(std::string_view error);
Result<std::string> decode_reply(std::string_view packet);

struct Notice {
  enum class Level : std::uint8_t { error = 3, warning = 4, notice = 5, info = 6 };  // syslog's
  Level level = Level::notice;
  std::string text;  // begins with its number, "MO0301: ..."
};
std::string encode_notice(const Notice& notice);
Result<Notice> decode_notice(std::string_view packet);

// ---- daemon, firewall and command line

// A packet that is its head alone: commit, attach, ring, remove, status, show_policy,
// policy_shown.
std::string encode_head(MessageType type);

// A JSON object, at most packet_limit with its head.
std::string encode_status_reply(std::string_view json);
Result<std::string> decode_status_reply(std::string_view packet);

}  // namespace mailorigin
