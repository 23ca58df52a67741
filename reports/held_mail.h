// `mailorigin held`, `release` and `discard`: what rules have put on hold, matched with the
// mail server's queue.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/event.h"
#include "core/result.h"
#include "reports/mail_queue.h"
#include "reports/store_access.h"

namespace mailorigin::reports {

struct HeldMail {
  WaitingMessage message;
  Event event;  // of the mail, which says whose it is and why
};

// What is asked for; what is empty is not.
struct HeldFilter {
  std::vector<std::string> ids;  // of events or of the mail server's queue
  std::string site;              // ServerName, or ServerName:port
  std::string script;            // the path of the one that was asked for, or that called
  [[nodiscard]] bool takes(const HeldMail& held) const;
  // Whether more speaks for the script than that the sender names it.
  [[nodiscard]] bool trusts(const HeldMail& held) const;
};

struct HeldMails {
  std::vector<HeldMail> list;  // the oldest first
  std::size_t claimed = 0;     // more, of which only the sender says that the script sent them
  std::size_t others = 0;      // that wait there, and are not known here: somebody else's to decide
};
Result<HeldMails> find_held(StoreAccess& store, const HeldFilter& filter, std::uint64_t now_ms);

// The facts of docs/hold.md.
nlohmann::json held_report(const HeldMails& held);

// What has become of each of `held`.
nlohmann::json decided_report(const HeldMails& held, Fate fate);

}  // namespace mailorigin::reports
