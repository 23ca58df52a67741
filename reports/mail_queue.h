// The mail server's hold queue: Postfix's, and Exim's frozen messages.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace mailorigin::reports {

enum class MailServer : std::uint8_t { postfix, exim };

struct WaitingMessage {
  MailServer server = MailServer::postfix;
  std::string queue_id;
  std::string sender;  // of the envelope; empty: a bounce
  std::vector<std::string> recipients;
  std::uint64_t since_ms = 0;  // when it came; Exim says hours and days alone
};

// What `postqueue -j` and `exim -bp` print, of the messages on hold; what is not understood is
// passed over.
std::vector<WaitingMessage> read_postfix_queue(std::string_view printed);
std::vector<WaitingMessage> read_exim_queue(std::string_view printed, std::uint64_t now_ms);

// Of every mail server that is installed. Fails where there is none, and where one does not
// say: the error is its own.
Result<std::vector<WaitingMessage>> messages_on_hold(std::uint64_t now_ms);

enum class Fate : std::uint8_t { release, discard };
// By the mail server's own commands. False if the message is not on hold any more.
Result<bool> decide(const WaitingMessage& message, Fate fate);

}  // namespace mailorigin::reports
