// Virtual hosts of which the guarantee is weaker than it could be:
// docs/threat-model.md, "What is not promised, and why".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/policy.h"

namespace mailorigin::reports {

struct Weakness {
  std::string reason;  // a stable word: no-run-as, no-owner, shared-uid, root, httpd-user
  std::string text;
  std::string remedy;
  std::vector<std::string> vhosts;
};

// Of an indexed policy. `httpd_uid` is that of httpd's User, where it is known. A site's
// virtual hosts do not share their uid. Those that MailOrigin is Off for are passed over.
std::vector<Weakness> find_weaknesses(const Policy& policy, std::optional<std::uint32_t> httpd_uid);

}  // namespace mailorigin::reports
