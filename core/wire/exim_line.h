// What Exim's ACLs ask in one line about a message, and what they are answered in one:
// docs/formats.md, Exim.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/result.h"
#include "core/wire/asking.h"
#include "core/wire/queueing.h"

namespace mailorigin {

inline constexpr std::size_t exim_line_limit = 1 << 20;  // bytes, without its end

struct EximLine {
  QueuedMail mail;
  // The ends of the connection that it came over, if over one; an address as Exim writes it.
  struct End {
    std::string address;
    std::uint16_t port = 0;
  };
  End client, server;
};
// Takes the line without its end. An error names the word that is not understood.
Result<EximLine> read_exim_line(std::string_view line);

std::string exim_answer(const Answer& answer);

// Nobody can judge the message now: it is to come again.
inline constexpr std::string_view exim_later = "verdict=defer\n";

}  // namespace mailorigin
