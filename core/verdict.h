// What becomes of a mail or a connection.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace mailorigin {

// `hold` lets a mail into the mail server's queue, which keeps it there. Of mail, each is
// stricter than the one before.
enum class Verdict : std::uint8_t { allow, observe, hold, deny, redirect };

// As events and packets have it.
std::string_view verdict_name(Verdict verdict);
std::optional<Verdict> verdict_named(std::string_view name);

}  // namespace mailorigin
