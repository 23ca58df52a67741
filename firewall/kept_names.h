// The last addresses of names, kept in the state directory: a name server that
// cannot be asked when the firewall starts must not cut off who is allowed by name.
//
// The file `names` has a line for each name: the name and its addresses, separated
// by single spaces.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"
#include "firewall/compiled_policy.h"

namespace mailorigin::firewall {

// At most addresses_per_name of each.
std::string names_text(const NameAddresses& names);
// Fails as a whole where a line is not as described above, or there are too many.
Result<NameAddresses> parse_names(std::string_view text);

Status save_names(const std::string& state_directory, const NameAddresses& names);
// None if there is no such file.
Result<NameAddresses> load_names(const std::string& state_directory);

}  // namespace mailorigin::firewall
