#include "mailorigind/judging/request_bindings.h"

#include <algorithm>
#include <cstring>

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

bool RequestBindings::admit(const Ulid& request, const std::vector<Process>& asker,
                            std::uint64_t now_ms) {
  if (const auto found = bound_.find(request); found != bound_.end()) {
    Binding& binding = *found->second;
    if (std::find_first_of(binding.lineage.begin(), binding.lineage.end(), asker.begin(),
                           asker.end()) == binding.lineage.end()) {
      return false;
    }
    binding.shown_ms = now_ms;
    oldest_first_.splice(oldest_first_.end(), oldest_first_, found->second);
    return true;
  }
  while (!oldest_first_.empty() && (bound_.size() >= requests_bound ||
                                    oldest_first_.front().shown_ms + request_memory_ms < now_ms)) {
    bound_.erase(oldest_first_.front().request);
    oldest_first_.pop_front();
  }
  oldest_first_.push_back({request, asker, now_ms});
  bound_.emplace(request, std::prev(oldest_first_.end()));
  return true;
}

}  // namespace mailorigin::daemon
