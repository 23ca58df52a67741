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

void HeardVhosts::use(const Policy& policy, std::optional<RequestCounts> counts,
                      std::uint64_t now_ns) {
  std::unordered_map<std::uint32_t, Vhost> former = std::exchange(vhosts_, {});
  const bool is_first = !counts_;
  counts_ = std::move(counts);
  places_.clear();
  for (std::size_t i = 0; counts_ && i < counts_->size(); i++) places_[counts_->at(i).vhost] = i;

  const auto add = [&](const VhostPolicy& host) {
    Vhost vhost;
    if (const auto found = former.find(host.id); found != former.end()) vhost = found->second;
    if (vhost.run_as != host.run_as) {
      vhost.held = false;
      vhost.other_user.reset();
    }
    vhost.name = host.name;
    vhost.enabled = host.enabled;
    vhost.run_as = host.run_as;
    vhost.counted = 0;
    // httpd had another daemon before: its PHP is about to find out.
    if (is_first && count_of(host.id).requests > 0) mark(vhost, host.id, now_ns + reconnect_ns);
    vhosts_.emplace(host.id, std::move(vhost));
  };
  add(policy.server);
  for (const VhostPolicy& host : policy.vhosts) add(host);
}

RequestCount HeardVhosts::count_of(std::uint32_t vhost) const {
  const auto place = places_.find(vhost);
  return place == places_.end() ? RequestCount() : counts_->at(place->second);
}

void HeardVhosts::mark(Vhost& vhost, std::uint32_t id, std::uint64_t until_ns) {
  vhost.heard_ns = std::max(vhost.heard_ns, until_ns);
  vhost.counted = count_of(id).requests;
}

void HeardVhosts::hello(std::uint64_t connection, std::string_view context, uid_t uid,
                        std::uint64_t now_ns) {
  if (!keys_) return;
  const Unsealed unsealed = unseal(context, *keys_, now_ns);
  if (!unsealed.context) return;
  const std::uint32_t id = unsealed.context->tag.vhost_id;
  const auto found = vhosts_.find(id);
  if (found == vhosts_.end()) return;
  Vhost& vhost = found->second;
  mark(vhost, id, std::max(now_ns, unsealed.context->tag.boottime_ns));
  if (uid_refusal(*unsealed.context, uid, nullptr).empty()) {
    vhost.held = true;
  } else {
    vhost.other_user = uid;
  }
  std::vector<std::uint32_t>& shown = connections_[connection];
  if (shown.size() >= vhosts_per_connection ||
      std::find(shown.begin(), shown.end(), id) != shown.end()) {
    return;
  }
  shown.push_back(id);
  vhost.connections++;
}

void HeardVhosts::closed(std::uint64_t connection, bool by_process, std::uint64_t now_ns) {
  const auto shown = connections_.find(connection);
  if (shown == connections_.end()) return;
  for (const std::uint32_t id : shown->second) {
    const auto found = vhosts_.find(id);
    if (found == vhosts_.end() || found->second.connections == 0) continue;
    found->second.connections--;
    mark(found->second, id, by_process ? now_ns : now_ns + reconnect_ns);
  }
  connections_.erase(shown);
}

std::vector<HeardVhosts::Silent> HeardVhosts::silent() const {
  std::vector<Silent> found;
  for (const auto& [id, vhost] : vhosts_) {
    if (!vhost.enabled || vhost.connections > 0) continue;
    const RequestCount count = count_of(id);
    if (count.sealed_ns <= vhost.heard_ns || count.requests <= vhost.counted) continue;
    found.push_back({vhost.name, count.requests - vhost.counted});
  }
  std::sort(found.begin(), found.end(),
            [](const Silent& a, const Silent& b) { return a.vhost < b.vhost; });
  return found;
}

std::vector<HeardVhosts::OtherUser> HeardVhosts::of_other_users() const {
  std::vector<OtherUser> found;
  for (const auto& [id, vhost] : vhosts_) {
    if (vhost.enabled && !vhost.held && vhost.other_user) {
      found.push_back({vhost.name, *vhost.other_user});
    }
  }
  std::sort(found.begin(), found.end(),
            [](const OtherUser& a, const OtherUser& b) { return a.vhost < b.vhost; });
  return found;
}

}  // namespace mailorigin::daemon
