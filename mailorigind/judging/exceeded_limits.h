// ExceededLimits: who had used up which limit lately, for `mailorigin limits`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/policy.h"
#include "core/verdict.h"
#include "core/wire/limiting.h"
#include "mailorigind/judging/asked_limits.h"

namespace mailorigin::daemon {

// In memory alone: the journal has each event. Of a site at most exceeded_kept; whose last
// mail is longest ago gives way, so that nobody pushes out another site's.
class ExceededLimits {
 public:
  // Sites that are not configured any more are forgotten.
  void use(const Policy& policy);
  // The mail of that event, and what has become of it.
  void note(const ExceededLimit& exceeded, std::string_view id, Verdict verdict,
            std::uint64_t now_ms);
  void forget(const std::string& site) { sites_.erase(site); }

  // By this limit of the site, whose last mail is newest first.
  [[nodiscard]] std::vector<LimitedSubject> of(const std::string& site,
                                               const LimitRule& rule) const;

 private:
  struct Entry {
    LimitRule rule;
    LimitedSubject who;
  };
  std::unordered_map<std::string, std::vector<Entry>> sites_;
};

}  // namespace mailorigin::daemon
