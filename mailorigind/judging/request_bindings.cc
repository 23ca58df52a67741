#include "mailorigind/judging/request_bindings.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "core/abi/share.h"
#include "mailorigind/limits.h"

namespace mailorigin::daemon {

// httpd's own random and counted bytes: nobody else chooses a sealed request id.
std::size_t RequestBindings::Hash::operator()(const Ulid& request) const {
  std::uint64_t high;
  std::uint64_t low;
  std::memcpy(&high, request.bytes.data(), sizeof high);
  std::memcpy(&low, request.bytes.data() + sizeof high, sizeof low);
  return static_cast<std::size_t>((high ^ low) * 0x9E3779B97F4A7C15ULL);
}

bool RequestBindings::admit(const Ulid& request, uid_t user, const std::vector<Process>& asker,
                            std::uint64_t now_ms) {
  if (const auto found = bound_.find(request); found != bound_.end()) {
    Binding& binding = *found->second;
    if (std::find_first_of(binding.lineage.begin(), binding.lineage.end(), asker.begin(),
                           asker.end()) == binding.lineage.end()) {
      return false;
    }
    binding.shown_ms = now_ms;
    oldest_first_.splice(oldest_first_.end(), oldest_first_, found->second);
    auto& its = of_user_.at(binding.user);
    its.splice(its.end(), its, binding.place);
    return true;
  }
  make_room(user, now_ms);
  auto& its = of_user_[user];
  oldest_first_.push_back({request, asker, now_ms, user, its.insert(its.end(), request)});
  bound_.emplace(request, std::prev(oldest_first_.end()));
  return true;
}

void RequestBindings::make_room(uid_t user, std::uint64_t now_ms) {
  while (!oldest_first_.empty() && oldest_first_.front().shown_ms + request_memory_ms < now_ms) {
    drop(oldest_first_.front().request);
  }
  const auto its = of_user_.find(user);
  const std::size_t taken = its != of_user_.end() ? its->second.size() : 0;
  if (mo_has_room(static_cast<long long>(taken), static_cast<long long>(bound_.size()),
                  static_cast<long long>(requests_bound)) != 0) {
    return;
  }
  if (taken > 0) {
    drop(its->second.front());
  } else if (bound_.size() >= requests_bound) {
    drop(oldest_first_.front().request);
  }
}

void RequestBindings::drop(const Ulid& request) {
  const auto found = bound_.find(request);
  const auto its = of_user_.find(found->second->user);
  its->second.erase(found->second->place);
  if (its->second.empty()) of_user_.erase(its);
  oldest_first_.erase(found->second);
  bound_.erase(found);
}

}  // namespace mailorigin::daemon
