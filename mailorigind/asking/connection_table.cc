#include "mailorigind/asking/connection_table.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "core/counted.h"
#include "mailorigind/limits.h"

namespace mailorigin::daemon {

ConnectionTable::ConnectionTable(service::Poller& poller, UserNames& names,
                                 service::NoticeBoard& notices, ThreadClock& clock,
                                 std::function<void(const AskingConnection&)> closing)
    : poller_(poller),
      names_(names),
      notices_(notices),
      clock_(clock),
      closing_(std::move(closing)) {}

AskingConnection* ConnectionTable::find(int fd) {
  const auto index = static_cast<std::size_t>(fd);
  return index < connections_.size() ? connections_[index].get() : nullptr;
}

AskingConnection* ConnectionTable::find(int fd, std::uint64_t serial) {
  AskingConnection* const found = find(fd);
  return found != nullptr && found->serial == serial ? found : nullptr;
}

AskingUser& ConnectionTable::user(uid_t uid, std::uint64_t now_ms) {
  AskingUser& found = users_.try_emplace(uid, uid).first->second;
  found.last_seen_ms = now_ms;
  return found;
}

// ---- Coming

void ConnectionTable::accept(int listener, std::uint64_t now_ms) {
  clock_.start();
  for (std::uint64_t used_ns = 0; used_ns < accept_turn_ns;) {
    auto peer = accept_peer(listener);
    if (!peer) {
      // Somebody has to go before the kernel lets another one in.
      if (errno == EMFILE || errno == ENFILE) make_room();
      return;
    }
    AskingUser& owner = user(peer->credentials.uid, now_ms);
    // Not all kernels have it inherited by who connected before the listener had it.
    (void)refuse_descriptors(peer->socket.get());
    if (enable_credentials(peer->socket.get())) add(*std::move(peer), owner, now_ms);
    const std::uint64_t lap_ns = clock_.lap();
    owner.questions.charge_time(lap_ns);
    used_ns += lap_ns;
  }
}

void ConnectionTable::add(Peer peer, AskingUser& owner, std::uint64_t now_ms) {
  const bool in_debt = owner.questions.in_debt(now_ms);
  if (owner.longest_idle_first.size() >= connections_per_user) {
    // In a flood of its own the new one gives way: that is the least work, and its
    // older ones may still be of use.
    if (in_debt) return;
    close(owner.longest_idle_first.front());
  }
  if (count_ >= capacity_) make_room();

  const int fd = peer.socket.get();
  if (static_cast<std::size_t>(fd) >= connections_.size()) {
    connections_.resize(static_cast<std::size_t>(fd) + 1);
  }
  auto& place = connections_[static_cast<std::size_t>(fd)];
  place = std::make_unique<AskingConnection>();
  place->socket = std::move(peer.socket);
  place->serial = ++accepted_;
  place->peer = peer.credentials;
  place->user = &owner;
  place->idle_place = owner.longest_idle_first.insert(owner.longest_idle_first.end(), fd);
  count_++;
  if (!names_.known(owner.uid, now_ms)) {
    place->awaits_name = true;
    wait(*place, now_ms + name_wait_ms);
  } else if (in_debt) {
    wait(*place, now_ms + rest_ms(owner));
  } else {
    watch(*place);
  }
}

void ConnectionTable::watch(AskingConnection& connection) {
  connection.awaits_name = false;
  connection.waits_until_ms = 0;
  if (!poller_.watch(service::Source::question, connection.fd())) close(connection.fd());
}

void ConnectionTable::wait(AskingConnection& connection, std::uint64_t until_ms) {
  connection.waits_until_ms = until_ms;
  waiting_.emplace(until_ms, connection.fd());
}

void ConnectionTable::let_in_named(std::uint64_t now_ms) {
  for (const uid_t uid : names_.take_found(now_ms)) {
    const auto owner = users_.find(uid);
    if (owner == users_.end()) continue;
    auto& connections = owner->second.longest_idle_first;
    for (auto each = connections.begin(); each != connections.end();) {
      AskingConnection& named = *find(*each++);  // watch() may close it
      if (named.awaits_name) watch(named);
    }
  }
}

// ---- Staying

void ConnectionTable::used(AskingConnection& connection, std::uint64_t now_ms) {
  AskingUser& owner = *connection.user;
  owner.last_seen_ms = now_ms;
  owner.longest_idle_first.splice(owner.longest_idle_first.end(), owner.longest_idle_first,
                                  connection.idle_place);
}

std::uint64_t ConnectionTable::rest_ms(const AskingUser& user) {
  return std::max<std::uint64_t>(busy_rest_ms,
                                 user.longest_idle_first.size() / busy_answers_per_ms);
}

void ConnectionTable::rest(AskingConnection& connection, std::uint64_t now_ms) {
  poller_.leave(connection.fd());
  wait(connection, now_ms + rest_ms(*connection.user));
}

int ConnectionTable::keep_house(std::uint64_t now_ms) {
  while (!waiting_.empty() && waiting_.begin()->first <= now_ms) {
    const auto [until_ms, fd] = *waiting_.begin();
    waiting_.erase(waiting_.begin());
    AskingConnection* const waited = find(fd);
    // Another one may have come under its number.
    if (waited != nullptr && waited->waits_until_ms == until_ms) watch(*waited);
  }
  if (now_ms - house_kept_ms_ >= user_memory_ms) {
    house_kept_ms_ = now_ms;
    std::erase_if(users_, [&](const auto& entry) {
      const AskingUser& candidate = entry.second;
      return candidate.longest_idle_first.empty() &&
             now_ms - candidate.last_seen_ms >= user_memory_ms;
    });
  }
  std::uint64_t next_ms = now_ms + user_memory_ms;
  if (!waiting_.empty()) next_ms = std::min(next_ms, waiting_.begin()->first);
  return static_cast<int>(next_ms - now_ms);
}

// ---- Going

void ConnectionTable::close(int fd) {
  const AskingConnection* const gone = find(fd);
  if (gone == nullptr) return;
  closing_(*gone);
  gone->user->longest_idle_first.erase(gone->idle_place);
  connections_[static_cast<std::size_t>(fd)].reset();
  count_--;
}

void ConnectionTable::close_bad(AskingConnection& bad, std::string_view what,
                                std::uint64_t now_ms) {
  constexpr std::uint64_t minute_ms = 60'000;
  AskingUser& owner = *bad.user;
  owner.bad_connections++;
  if (owner.bad_notice_ms == 0 || now_ms - owner.bad_notice_ms >= minute_ms) {
    notices_.say(Notice::Level::warning,
                 "MO0210: uid " + std::to_string(owner.uid) + ": closed " +
                     counted(owner.bad_connections, "connection") + ", the last one of pid " +
                     std::to_string(bad.peer.pid) + " because " + std::string(what));
    owner.bad_notice_ms = now_ms;
    owner.bad_connections = 0;
  }
  close(bad.fd());
}

void ConnectionTable::make_room() {
  const auto most =
      std::max_element(users_.begin(), users_.end(), [](const auto& a, const auto& b) {
        return a.second.longest_idle_first.size() < b.second.longest_idle_first.size();
      });
  if (most == users_.end() || most->second.longest_idle_first.empty()) return;
  close(most->second.longest_idle_first.front());
  notices_.begins("connections", Notice::Level::warning,
                  "MO0211: all " + std::to_string(capacity_) +
                      " connections are in use; whoever is idle longest, of the uid that has most, "
                      "is closed for a new one. Raise LimitNOFILE or the ulimit on open files");
}

}  // namespace mailorigin::daemon
