// How many of what, as people write it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mailorigin {

// "1 virtual host", "0 virtual hosts", "2 virtual hosts". `several`: what follows any number but
// one; without it `one` gets an s.
std::string counted(std::uint64_t number, std::string_view one, std::string_view several = {});

}  // namespace mailorigin
