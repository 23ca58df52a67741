// What becomes of a mail or a connection.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace mailorigin {

enum class Verdict : std::uint8_t { allow, observe, deny, redirect };

// As events and packets have it.
std::string_view verdict_name(Verdict verdict);
std::optional<Verdict> verdict_named(std::string_view name);

}  // namespace mailorigin
