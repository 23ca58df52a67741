// That root has taken the firewall out of the kernel (--remove): what httpd has read of its
// configuration before that does not bring it back, over a start of the firewall either.
//
// The file `taken-out` in the state directory has the time and the boot that it is of.
#pragma once

#include <cstdint>
#include <string>

#include "core/result.h"

namespace mailorigin::firewall {

// Now. As root, too, who gives the file to whose directory it is.
Status keep_taken_out(const std::string& state_directory, std::uint64_t boottime_ns);
// CLOCK_BOOTTIME; 0: not since this boot.
std::uint64_t load_taken_out(const std::string& state_directory);
void forget_taken_out(const std::string& state_directory);

}  // namespace mailorigin::firewall
