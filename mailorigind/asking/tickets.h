// Tickets: events of mails that are still on their way into the mail server. Whoever
// meets such a mail again knows by its ticket, the event's id, that it is recorded.
//
// A mail passes a gate once: it is not recorded twice, and no second mail passes in its
// place. A stolen ticket is worth nothing for another user or other recipients.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>

#include "core/mail/recipients.h"
#include "core/ulid.h"
#include "core/wire/asking.h"

namespace mailorigin::daemon {

enum class Gate : std::uint8_t {
  submission,  // a program hands it to the mail server
  queue,       // it is in the mail server's queue
};
inline constexpr std::size_t gate_count = 2;

// Holds tickets_kept tickets, for ticket_memory_ms each, and of one uid at most
// tickets_per_user; one more takes the place of that uid's oldest, or of the oldest of
// the uid that has most.
class Tickets {
 public:
  // A question that has been answered and recorded.
  struct Recorded {
    std::uint32_t uid = 0;
    std::optional<RecipientDigest> recipients{};
    bool submitted = false;
    std::uint64_t position = 0;  // of the event's record in the journal
    std::uint64_t recorded_ms = 0;
  };
  // None for a mail that may not leave, or whose recipients are not known.
  void issue(const Answer& answer, const Recorded& recorded);

  // Who shows it, as far as that is known.
  struct Bearer {
    std::optional<std::uint32_t> uid;
    std::optional<RecipientDigest> recipients;
    Nonce nonce{};
  };
  // Where the event's record is; nothing if the ticket is not good for this gate, or not
  // any more. A question that is repeated, by its nonce, is answered again. Whoever asks may
  // show the ticket with another mail: it is compared with the event before it is spent.
  [[nodiscard]] std::optional<std::uint64_t> find(Gate gate, const Ulid& id, const Bearer& bearer,
                                                  std::uint64_t now_ms) const;
  // Its mail passes by that question, or has, in what the journal had at the start: no other
  // question does any more.
  void redeem(Gate gate, const Ulid& id, const Nonce& nonce);
  // The question that it was redeemed by has not come to its end, so that the mail comes again.
  void give_back(Gate gate, const Ulid& id, const Nonce& nonce);

  void expire(std::uint64_t now_ms);
  [[nodiscard]] std::size_t size() const { return tickets_.size(); }

 private:
  struct Ticket {
    std::uint32_t uid = 0;
    RecipientDigest recipients{};
    std::uint64_t position = 0;
    std::uint64_t issued_ms = 0;
    std::array<std::optional<Nonce>, gate_count> passed{};  // by which question
  };
  using OldestFirst = std::deque<Ulid>;
  // Every id is the daemon's own.
  struct Hash {
    std::size_t operator()(const Ulid& id) const;
  };
  void count(std::uint32_t uid, std::size_t before, std::size_t after);
  void drop_oldest(std::uint32_t uid);

  std::unordered_map<Ulid, Ticket, Hash> tickets_;
  std::unordered_map<std::uint32_t, OldestFirst> users_;
  std::set<std::pair<std::size_t, std::uint32_t>> by_count_;  // how many tickets which uid has
  std::uint64_t swept_ms_ = 0;
};

}  // namespace mailorigin::daemon
