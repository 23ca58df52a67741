// MailOriginLimit: what one mail asks of limits, and whom they count for. Pure: nothing is
// remembered here.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/policy.h"
#include "core/rates.h"
#include "core/wire/limiting.h"
#include "mailorigind/judging/limit_resets.h"
#include "mailorigind/judging/rules.h"

namespace mailorigin::daemon {

// What would be counted for `of` by a limit of the site. `reset` may be null: of the site there
// was none.
LimitDemand demand_of(const LimitRule& limit, const std::string& site, const LimitReset* reset,
                      const LimitSubject& of);

// A limit that a mail would exceed.
struct ExceededLimit {
  std::string site;
  LimitRule rule;
  LimitSubject of;
  bool no_hold = false;  // the mail was to be held by it, and no mail server holds
};

// What a mail asks of limits, and what becomes of it where one is used up.
class AskedLimits {
 public:
  // Whether a mail server holds; else what is to be held is refused. `resets` must outlive it.
  AskedLimits(bool can_hold, const LimitResets& resets) : can_hold_(can_hold), resets_(resets) {}

  // The limits of the policy, in their order, but for those that are there already: the
  // equal limits of a site's ports are one. The mail's policy must outlive it.
  void add(const RuledMail& mail);

  [[nodiscard]] const std::vector<LimitDemand>& demands() const { return demands_; }
  // Of a demand, by its place among them.
  [[nodiscard]] Rule action(std::size_t demand) const { return asked_[demand].rule->action; }
  // `mail` as it was added, whatever its policy and standing.
  [[nodiscard]] ExceededLimit exceeded(std::size_t demand, const RuledMail& mail) const;

 private:
  struct Asked {
    const LimitRule* rule;
    const VhostPolicy* policy;
    Standing standing;
  };

  const bool can_hold_;
  const LimitResets& resets_;
  std::vector<LimitDemand> demands_;
  std::vector<Asked> asked_;
};

}  // namespace mailorigin::daemon
