#include "mailorigind/asking/heard_vhosts.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/seal.h"
#include "mailorigind/judging/decision.h"

namespace mailorigin::daemon {

namespace {

// A process looks after its connection once a second.
constexpr std::uint64_t reconnect_ns = 2'000'000'000;
// What one connection can make us remember.
constexpr std::size_t vhosts_per_connection = 4096;

}  // namespace

void HeardVhosts::use(std::shared_ptr<const Policy> policy, std::optional<RequestCounts> counts,
                      std::uint64_t now_ns) {
  const bool is_first = !counts_;
  policy_ = std::move(policy);
  counts_ = std::move(counts);
  places_.clear();
  for (std::size_t i = 0; counts_ && i < counts_->size(); i++) places_[counts_->at(i).vhost] = i;
  for (auto entry = heard_.begin(); entry != heard_.end();) {
    const VhostPolicy* const host = policy_->by_id(entry->first);
    if (host == nullptr) {
      entry = heard_.erase(entry);
      continue;
    }
    Heard& heard = entry->second;
    if (heard.run_as != host->run_as) {
      heard.held = false;
      heard.other_user.reset();
    }
    heard.run_as = host->run_as;
    heard.counted = 0;
    ++entry;
  }
  if (!is_first) return;
  // httpd had another daemon before: its PHP is about to find out.
  for (const auto& [id, place] : places_) {
    const VhostPolicy* const host = policy_->by_id(id);
    if (host != nullptr && counts_->at(place).requests > 0) {
      mark(heard_of(*host), id, now_ns + reconnect_ns);
    }
  }
}

HeardVhosts::Heard& HeardVhosts::heard_of(const VhostPolicy& host) {
  const auto [entry, added] = heard_.try_emplace(host.id);
  if (added) entry->second.run_as = host.run_as;
  return entry->second;
}

RequestCount HeardVhosts::count_of(std::uint32_t vhost) const {
  const auto place = places_.find(vhost);
  return place == places_.end() ? RequestCount() : counts_->at(place->second);
}

void HeardVhosts::mark(Heard& heard, std::uint32_t id, std::uint64_t until_ns) {
  heard.heard_ns = std::max(heard.heard_ns, until_ns);
  heard.counted = count_of(id).requests;
}

void HeardVhosts::hello(std::uint64_t connection, std::string_view context, uid_t uid,
                        std::uint64_t now_ns) {
  if (!keys_ || policy_ == nullptr) return;
  const Unsealed unsealed = unseal(context, *keys_, now_ns);
  if (!unsealed.context) return;
  const std::uint32_t id = unsealed.context->tag.vhost_id;
  const VhostPolicy* const host = policy_->by_id(id);
  if (host == nullptr) return;
  Heard& heard = heard_of(*host);
  mark(heard, id, std::max(now_ns, unsealed.context->tag.boottime_ns));
  if (uid_refusal(*unsealed.context, uid, nullptr).empty()) {
    heard.held = true;
  } else {
    heard.other_user = uid;
  }
  std::vector<std::uint32_t>& shown = connections_[connection];
  if (shown.size() >= vhosts_per_connection ||
      std::find(shown.begin(), shown.end(), id) != shown.end()) {
    return;
  }
  shown.push_back(id);
  heard.connections++;
}

void HeardVhosts::closed(std::uint64_t connection, bool by_process, std::uint64_t now_ns) {
  const auto shown = connections_.find(connection);
  if (shown == connections_.end()) return;
  for (const std::uint32_t id : shown->second) {
    const auto found = heard_.find(id);
    if (found == heard_.end() || found->second.connections == 0) continue;
    found->second.connections--;
    mark(found->second, id, by_process ? now_ns : now_ns + reconnect_ns);
  }
  connections_.erase(shown);
}

std::vector<HeardVhosts::Silent> HeardVhosts::silent() const {
  std::vector<Silent> found;
  static const Heard never;
  for (const auto& [id, place] : places_) {
    const VhostPolicy* const host = policy_->by_id(id);
    if (host == nullptr || !host->enabled) continue;
    const auto known = heard_.find(id);
    const Heard& heard = known != heard_.end() ? known->second : never;
    const RequestCount count = counts_->at(place);
    if (heard.connections > 0 || count.sealed_ns <= heard.heard_ns ||
        count.requests <= heard.counted) {
      continue;
    }
    found.push_back({host->name, count.requests - heard.counted});
  }
  std::sort(found.begin(), found.end(),
            [](const Silent& a, const Silent& b) { return a.vhost < b.vhost; });
  return found;
}

std::vector<HeardVhosts::OtherUser> HeardVhosts::of_other_users() const {
  std::vector<OtherUser> found;
  for (const auto& [id, heard] : heard_) {
    const VhostPolicy* const host = policy_->by_id(id);
    if (host != nullptr && host->enabled && !heard.held && heard.other_user) {
      found.push_back({host->name, *heard.other_user});
    }
  }
  std::sort(found.begin(), found.end(),
            [](const OtherUser& a, const OtherUser& b) { return a.vhost < b.vhost; });
  return found;
}

}  // namespace mailorigin::daemon
