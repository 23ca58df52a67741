// What who sees the mail server's queue says to mailorigind of a message that enters it. It
// is answered with an answer: the header fields that the message is to have, its copies of
// which are to be taken out first; one without a value is to be taken out alone.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/event.h"
#include "core/mail/recipients.h"
#include "core/result.h"
#include "core/wire/asking.h"
#include "core/wire/packet.h"
#include "core/wire/sixteen_bytes.h"

namespace mailorigin {

inline constexpr std::size_t tickets_shown = 4;    // by one message
inline constexpr std::size_t digests_shown = 2;    // of its recipients
inline constexpr std::size_t queue_id_limit = 64;  // bytes; the longest of a mail server has 20
inline constexpr std::size_t local_domains_told = 4;
inline constexpr std::size_t local_domain_limit = 255;  // bytes, as DNS has it

// The reason of a refusal that concerns the tickets alone: asked again without them, the mail
// is judged. Who submitted it may then be worth looking for.
inline constexpr std::string_view bad_ticket = "ticket";

// One end of a TCP connection.
struct TcpEnd {
  SixteenBytes address{};  // IPv6, or IPv4 mapped into it
  std::uint16_t port = 0;

  friend bool operator==(const TcpEnd&, const TcpEnd&) = default;
};

struct QueuedMail {
  Nonce nonce{};         // the same when asked again after a lost connection
  std::string queue_id;  // the mail server's
  // It came by SMTP, and can be refused in the dialogue. Any other came from a program that
  // has ended already: a refusal would be a bounce.
  bool by_smtp = false;
  // Another one that can be: not said over the wire, since no milter can.
  bool is_refusable = false;
  std::vector<std::string> tickets;  // event ids that it shows; at most tickets_shown
  // Whom it is for, in the envelope: as the mail server has them and as its sender may
  // have named them.
  std::vector<RecipientDigest> recipients;
  // What the mail server gives a name without a domain, a sender's it puts in itself among
  // them; in lower case, at most local_domains_told.
  std::vector<std::string> local_domains;
  std::uint64_t cookie = 0;  // of the client's socket, the kernel's; 0: not known
  TcpEnd client, server;     // of that connection
  std::optional<std::uint32_t> uid;
  std::string uid_from;  // what says so, where it is not the kernel; a word
  Event claims;          // from, envelope_from, to, recipients, subject, message_id
};

// Claims `from`, the begin of a From of which there is more: what is not known may name
// others, so that the field does not hold it whole.
void claim_cut_from(Event& claims, std::string from);

// Below packet_limit: every claim is within its field's limit already.
std::string encode_queued(const QueuedMail& mail);
Result<QueuedMail> decode_queued(std::string_view packet);

}  // namespace mailorigin
