// The pins in the working directory, which is the pin directory (below a bpf file
// system that its user may not be able to reach by its path). They stand in a directory
// that is named after the layout of what they hold, so that another version's are
// replaced and never taken for this one's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mailorigin::firewall {

// This version's directory. A bpf file system takes no name with a dot.
extern const std::string pins;

std::string map_pin(std::string_view name);
std::string link_pin(std::string_view program);

// Other versions' directories.
std::vector<std::string> pins_of_others();

// Detaches and unpins what a version's directory holds: what that was.
std::vector<std::string> unpin(const std::string& version);
// The same of every version.
std::vector<std::string> unpin_all();

}  // namespace mailorigin::firewall
