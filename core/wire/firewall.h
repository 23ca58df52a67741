// What mailorigind says to mailorigin-firewall, and what it answers.
#pragma once

#include <string>
#include <string_view>

#include "core/abi/layout.h"
#include "core/result.h"
#include "core/wire/packet.h"

namespace mailorigin {

// Registers a process that never was root: who it is, and by which page or, where it
// has none, which context it is known. Answered with a reply. Of the origin, the context
// alone is sent.
std::string encode_process(const mo_registration& process);
// Fails where pid or uid is missing, and on a page that is none.
Result<mo_registration> decode_process(std::string_view packet);

// Which blocks there are, by the digest that ends them (Blocks::digest_of()): of mailorigind,
// which hands them over with it; of the firewall, which has them now.
std::string encode_blocks_digest(std::string_view digest);
Result<std::string> decode_blocks_digest(std::string_view packet);

}  // namespace mailorigin
