// The payload of a journal's record: what was answered, and the event.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/event.h"
#include "core/wire/asking.h"

namespace mailorigin::daemon {

// `policy` is the id of the vhost whose logs the event belongs into. With `recipients`
// the event's id is a ticket for them.
void append_payload(std::string& out, std::uint32_t policy, const Answer& answer,
                    const Event& event,
                    const std::optional<RecipientDigest>& recipients = std::nullopt);

// The same of a message in the mail server's queue. `asker` is who told of it, not who sent it.
void append_queue_payload(std::string& out, std::uint32_t policy, const Answer& answer,
                          const Event& event, std::uint32_t asker);

// That a mail has passed a gate by its ticket `id`. No event, and no log's.
struct Redemption {
  std::string_view id;
  std::uint64_t gate = 0;  // Gate's value
  Nonce nonce{};
};
void append_redemption(std::string& out, const Redemption& redemption);

// Of a connection that the kernel has recorded; nobody is answered. `number` tells it
// from every other.
void append_connection(std::string& out, std::uint32_t policy, std::string_view number,
                       const Event& event);

// Whose logs; the server's if the payload does not say. Nothing where it is for none.
std::optional<std::uint32_t> payload_policy(std::string_view payload);

// The number of a connection.
std::optional<std::string_view> payload_connection(std::string_view payload);

// Into `event`, whose memory is used again.
void read_event(std::string_view payload, Event& event);

// True if the event was made of these claims: the same question.
bool payload_repeats(std::string_view payload, const Event& claims);

// True if what was judged of that mail is what a message of these claims has: how many
// recipients, and which senders. The names of options that nobody understands (-C) may
// differ: those that sendmail_path has are no claims of its script's.
bool payload_is_judged_alike(std::string_view payload, const Event& claims);

// To whom what was answered, and when.
struct GivenAnswer {
  std::uint32_t uid = 0;
  std::uint64_t time_ms = 0;
  Answer answer;
  bool submitted = false;                     // of kind submit
  bool queued = false;                        // asked in the mail server's queue
  std::optional<RecipientDigest> recipients;  // with them, its id is a ticket
};
std::optional<GivenAnswer> payload_answer(std::string_view payload);

// Its id points into the payload.
std::optional<Redemption> payload_redemption(std::string_view payload);

}  // namespace mailorigin::daemon
