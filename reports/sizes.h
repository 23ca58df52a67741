// Numbers of bytes for people.
#pragma once

#include <cstdint>
#include <string>

namespace mailorigin::reports {

// "3.5 MiB".
std::string size_text(std::uint64_t bytes);

}  // namespace mailorigin::reports
