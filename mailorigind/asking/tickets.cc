#include "mailorigind/asking/tickets.h"

#include <cstring>

#include "mailorigind/limits.h"

namespace mailorigin::daemon {

namespace {

constexpr std::size_t place_of(Gate gate) { return static_cast<std::size_t>(gate); }

}  // namespace

std::size_t Tickets::Hash::operator()(const Ulid& id) const {
  std::uint64_t counted;  // the part that differs
  std::memcpy(&counted, id.bytes.data() + sizeof counted, sizeof counted);
  return static_cast<std::size_t>(counted * 0x9E3779B97F4A7C15ULL);
}

void Tickets::count(std::uint32_t uid, std::size_t before, std::size_t after) {
  if (before > 0) by_count_.erase({before, uid});
  if (after > 0) by_count_.emplace(after, uid);
}

void Tickets::drop_oldest(std::uint32_t uid) {
  const auto user = users_.find(uid);
  OldestFirst& ids = user->second;
  tickets_.erase(ids.front());
  ids.pop_front();
  count(uid, ids.size() + 1, ids.size());
  if (ids.empty()) users_.erase(user);
}

void Tickets::issue(const Answer& answer, const Recorded& recorded) {
  if (!recorded.recipients || answer.verdict == Verdict::deny) return;
  const auto id = Ulid::parse(answer.id);
  if (!id) return;
  Ticket ticket{recorded.uid, *recorded.recipients, recorded.position, recorded.recorded_ms};
  if (recorded.submitted) ticket.passed[place_of(Gate::submission)] = answer.nonce;

  const auto user = users_.find(ticket.uid);
  if (user != users_.end() && user->second.size() >= tickets_per_user) drop_oldest(ticket.uid);
  if (tickets_.size() >= tickets_kept) drop_oldest(by_count_.rbegin()->second);
  if (!tickets_.emplace(*id, ticket).second) return;
  OldestFirst& ids = users_[ticket.uid];
  ids.push_back(*id);
  count(ticket.uid, ids.size() - 1, ids.size());
}

std::optional<std::uint64_t> Tickets::find(Gate gate, const Ulid& id, const Bearer& bearer,
                                           std::uint64_t now_ms) const {
  const auto found = tickets_.find(id);
  if (found == tickets_.end()) return std::nullopt;
  const Ticket& ticket = found->second;
  if (ticket.issued_ms + ticket_memory_ms < now_ms) return std::nullopt;
  if (bearer.uid && *bearer.uid != ticket.uid) return std::nullopt;
  if (bearer.recipients && *bearer.recipients != ticket.recipients) return std::nullopt;
  const auto& passed = ticket.passed[place_of(gate)];
  if (passed && *passed != bearer.nonce) return std::nullopt;
  return ticket.position;
}

void Tickets::redeem(Gate gate, const Ulid& id, const Nonce& nonce) {
  const auto found = tickets_.find(id);
  if (found != tickets_.end()) found->second.passed[place_of(gate)] = nonce;
}

void Tickets::give_back(Gate gate, const Ulid& id, const Nonce& nonce) {
  const auto found = tickets_.find(id);
  if (found == tickets_.end()) return;
  auto& passed = found->second.passed[place_of(gate)];
  if (passed == nonce) passed.reset();
}

void Tickets::expire(std::uint64_t now_ms) {
  if (now_ms - swept_ms_ < tickets_swept_ms) return;
  swept_ms_ = now_ms;
  for (auto user = users_.begin(); user != users_.end();) {
    const auto uid = user->first;
    std::size_t expired = 0;
    for (const Ulid& id : user->second) {
      if (tickets_.at(id).issued_ms + ticket_memory_ms >= now_ms) break;
      expired++;
    }
    ++user;  // the one before may go
    while (expired-- > 0) drop_oldest(uid);
  }
}

}  // namespace mailorigin::daemon
