// VhostQuotas: a quota for each virtual host that has asked.
#pragma once

#include <cstdint>
#include <unordered_map>

#include "core/policy.h"
#include "mailorigind/asking/quota.h"
#include "mailorigind/limits.h"

namespace mailorigin::daemon {

class VhostQuotas {
 public:
  explicit VhostQuotas(double rate = question_rate, double burst = question_burst)
      : rate_(rate), burst_(burst) {}

  // Those of virtual hosts that are no more are forgotten.
  void use(const Policy& policy) {
    std::erase_if(quotas_, [&](const auto& entry) { return policy.by_id(entry.first) == nullptr; });
  }

  // Stays where it is until use().
  Quota& of(std::uint32_t vhost) { return quotas_.try_emplace(vhost, rate_, burst_).first->second; }

 private:
  double rate_;
  double burst_;
  std::unordered_map<std::uint32_t, Quota> quotas_;
};

}  // namespace mailorigin::daemon
