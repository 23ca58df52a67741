// Any bytes as a message, and as the program's side of an SMTP dialogue. A message that
// the server gets has been asked about, and has our header first; a head loses nothing
// but copies of our header.
#include <strings.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "submit/dialogue.h"
#include "submit/head.h"

namespace {

using namespace mailorigin;
using namespace mailorigin::submit;

constexpr std::string_view field = "X-Mail-Origin: 01A";

void check(bool holds) {
  if (!holds) std::abort();
}

// Of the questions: how many, and what the last one was about.
struct Asked {
  std::size_t count = 0;
  std::size_t recipients = 0;
};

// A server that takes any line end for one, alone or together; and refuses a reset that has
// another argument than it takes.
class LaxServer {
 public:
  explicit LaxServer(Asked& asked) : asked_(asked) {}

  void take(std::string_view bytes) {
    for (const char byte : bytes) {
      const bool second_half = byte == '\n' && after_cr_;
      after_cr_ = byte == '\r';
      if (byte != '\r' && byte != '\n') {
        line_ += byte;
      } else if (!second_half) {
        end_line();
      }
    }
  }
  std::string says = "220 mx\r\n";

 private:
  void end_line() {
    const std::string line = std::move(line_);
    line_.clear();
    if (!in_message_) {
      says += reply_to(line);
      return;
    }
    check(!first_ || line == field);
    first_ = false;
    if (line != ".") return;
    in_message_ = false;
    recipients_ = 0;
    says += "250 queued\r\n";
  }

  const char* reply_to(const std::string& line) {
    if (line == "DATA") {
      check(messages_++ < asked_.count);
      check(recipients_ == asked_.recipients);
      in_message_ = first_ = true;
      return "354 go on\r\n";
    }
    const std::string verb = line.substr(0, 4);
    const auto is = [&](const char* other) { return strcasecmp(verb.c_str(), other) == 0; };
    if (is("RCPT")) recipients_++;
    if (!is("EHLO") && !is("HELO") && !is("RSET")) return "250 ok\r\n";
    const bool has_argument = line.size() > 5;
    if (has_argument == is("RSET")) return "501 what?\r\n";
    recipients_ = 0;
    return "250 ok\r\n";
  }

  const Asked& asked_;
  std::string line_;
  bool after_cr_ = false;
  bool in_message_ = false;
  bool first_ = false;
  std::size_t messages_ = 0;
  std::size_t recipients_ = 0;
};

void hold_dialogue(std::string_view said) {
  Asked asked;
  LaxServer server(asked);
  client::Outcome outcome;
  outcome.headers = {{"X-Mail-Origin", "01A"}};
  Dialogue dialogue({[&](char* into, std::size_t room) {
                       const std::size_t length = std::min({room, said.size(), std::size_t{7}});
                       std::copy_n(said.begin(), length, into);
                       said.remove_prefix(length);
                       return length;
                     },
                     [](std::string_view) { return true; },
                     [&](char* into, std::size_t room) {
                       const std::size_t length = std::min(room, server.says.size());
                       std::copy_n(server.says.begin(), length, into);
                       server.says.erase(0, length);
                       return length;
                     },
                     [&](std::string_view bytes) { return server.take(bytes), true; }},
                    false, [&](const Envelope& envelope, std::string_view) {
                      check(!envelope.recipients.empty());
                      asked.count++;
                      asked.recipients = envelope.recipients.size();
                      return outcome;
                    });
  (void)dialogue.run();
}

void read_head(std::string_view message) {
  Head whole;
  whole.add(message);
  whole.end();
  Head pieces;
  for (const char byte : message) pieces.add({&byte, 1});
  pieces.end();
  check(whole.fields() == pieces.fields());
  check(whole.body_size() <= message.size());
  check(whole.with({}) == message);
  const std::string with = whole.with({{"X-Mail-Origin", "01A"}});
  check(with.find(field) != std::string::npos);
  Head again;
  again.add(with);
  again.end();
  check(again.with({{"X-Mail-Origin", "01A"}}) == with);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  hold_dialogue(bytes);
  read_head(bytes);
  return 0;
}
