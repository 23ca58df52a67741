// CountedLimits: what is used of the limits, and by whom; all that MailOriginLimit remembers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/policy.h"
#include "core/rates.h"
#include "core/wire/limiting.h"
#include "mailorigind/judging/asked_limits.h"
#include "mailorigind/judging/exceeded_limits.h"
#include "mailorigind/judging/limit_resets.h"

namespace mailorigin::daemon {

class CountedLimits {
 public:
  // Before the first policy that has limits.
  void use(LimitTable table) { table_ = std::move(table); }
  [[nodiscard]] bool counts() const { return table_.has_value(); }
  void use(const Policy& policy) { exceeded_.use(policy); }

  [[nodiscard]] const LimitResets& resets() const { return resets_; }
  void use(LimitResets resets) { resets_ = std::move(resets); }
  // All of the site's begin anew.
  void reset(LimitReset reset);

  // See LimitTable; only where it counts().
  Admission admit(const AskedLimits& asked, std::uint64_t boottime_ns) {
    return table_->admit(asked.demands(), boottime_ns);
  }
  // The mail of that event would have exceeded it.
  void note(const ExceededLimit& exceeded, std::string_view id, Verdict verdict,
            std::uint64_t now_ms) {
    exceeded_.note(exceeded, id, verdict, now_ms);
  }

  // All limits of the virtual hosts of the site (ServerName, lower case), or of the server
  // where that is its name alone, and what is used of them by those whom the policy, the question
  // and earlier refusals name; whoever uses most first. Nothing where there is no such site.
  [[nodiscard]] std::optional<SiteLimits> of(const Policy& policy,
                                             const ShowLimitsMessage& question,
                                             std::uint64_t boottime_ns) const;

 private:
  void look_up(const std::string& site, const std::vector<LimitSubject>& subjects,
               std::uint64_t boottime_ns, ShownLimit& limit) const;

  std::optional<LimitTable> table_;
  LimitResets resets_;
  ExceededLimits exceeded_;
};

}  // namespace mailorigin::daemon
