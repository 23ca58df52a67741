// One connection of the mail server: whose messages come over it, and the one that is on
// its way. Knows no libmilter.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/wire/queueing.h"
#include "milter/daemon_link.h"
#include "milter/message.h"

namespace mailorigin::milter {

// Who submits what comes over a connection.
struct Submitter {
  bool by_smtp = false;
  std::uint64_t cookie = 0;   // 0: not known
  TcpEnd client{}, server{};  // of the connection, where it is
  std::optional<std::uint32_t> uid{};
};

// `client` as the mail server gives it, `server_address` and `server_port` if it says them.
// Nothing for a client on another machine, whose mail is none of ours.
std::optional<Submitter> submitter_of(const sockaddr* client, const char* server_address,
                                      const char* server_port);

struct Passage {
  Submitter submitter;
  std::unique_ptr<Message> message;        // null between messages
  std::optional<DaemonLink::Asked> asked;  // about the last one
};

}  // namespace mailorigin::milter
