// Tells the daemon of which virtual hosts this process runs requests, so that
// `mailorigin status` knows where PHP runs without this extension.
#pragma once

#include <array>
#include <cstdint>
#include <ctime>
#include <optional>
#include <string>

#include "client/asker.h"

namespace mailorigin::php {

class Hello {
 public:
  // At each request's start. Says a virtual host once over a connection, waits for
  // nobody, and opens the connection that mails are asked about later.
  void say(client::Asker& asker, const std::string& socket, const std::string& context) noexcept;

 private:
  // Virtual host and uid of a context, each where it belongs; one that is said again
  // because another took its place costs a message.
  std::array<std::optional<std::uint64_t>, 64> said_{};
  std::uint64_t said_over_ =
      0;                  // which of the asker's connections; mails are asked over it, and renew it
  time_t looked_at_ = 0;  // whether the connection is there
  time_t failed_at_ = 0;
};

}  // namespace mailorigin::php
