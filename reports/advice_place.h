// Where the directive lines of advice are to stand.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/policy.h"

namespace mailorigin::reports {

// The panel that writes the virtual hosts of this file ("/path" or "/path:line"), by where such
// panels put them (docs/panels.md); empty: none is known.
std::string_view panel_of(std::string_view file);

// As docs/mailorigin.md has it, `place` of trace; null where the virtual host is not known.
// Lines go into <MailOriginSite> where the virtual host's own would be gone at the panel's next
// writing, or where such a section has the last word already.
nlohmann::json advice_place(const Policy* policy, std::string_view vhost);

}  // namespace mailorigin::reports
