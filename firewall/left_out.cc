#include "firewall/left_out.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

#include "firewall/limits.h"

namespace mailorigin::firewall {

std::string LeftOut::news(const KernelMaps& maps) {
  std::unordered_map<std::uint32_t, std::uint64_t> all;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> fresh;
  maps.quotas.each([&](const mo_quota_key& key, const mo_quota& quota) {
    if (key.is_refused != 0 || quota.left_out == 0) return;
    all[key.uid] = quota.left_out;
    const auto before = seen_.find(key.uid);
    // One that had to make room for others has begun anew.
    const std::uint64_t known =
        before != seen_.end() && before->second <= quota.left_out ? before->second : 0;
    if (quota.left_out > known) fresh.emplace_back(quota.left_out - known, key.uid);
  });
  seen_ = std::move(all);
  std::sort(fresh.begin(), fresh.end(), std::greater<>());
  std::string text;
  for (std::size_t i = 0; i < std::min(fresh.size(), left_out_users_said); i++) {
    if (i > 0) text += ", ";
    text += std::to_string(fresh[i].first) + " of uid " + std::to_string(fresh[i].second);
  }
  if (fresh.size() > left_out_users_said) {
    text += " and some of " + std::to_string(fresh.size() - left_out_users_said) + " more";
  }
  return text;
}

}  // namespace mailorigin::firewall
