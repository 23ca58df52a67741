// A message between sender, httpd, daemon, firewall and command line: one
// SOCK_SEQPACKET packet, a four-byte head (version, type, 0, 0) and name-value pairs.
// The bytes are specified in docs/formats.md; each message's own are coded in the
// files beside this one, by who says them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/name_values.h"
#include "core/result.h"

namespace mailorigin {

inline constexpr std::size_t packet_limit = 65536;
inline constexpr std::uint8_t wire_version = 1;

enum class MessageType : std::uint8_t {
  question = 1,      // sender -> daemon
  answer = 2,        // daemon -> sender
  registration = 3,  // process -> daemon: who I am, for the firewall; answered
  hello = 4,         // process -> daemon: a request that I run; not answered
  queued = 5,        // milter -> daemon: a message that enters the queue; answered
  milter_hello = 6,  // milter -> daemon: I am here; not answered
  deputed = 7,       // httpd's child -> daemon: a request leads me to an SMTP port; answered
  policy = 16,       // httpd -> daemon, with one descriptor: a memfd of Policy::encode()
  descriptors = 17,  // httpd -> daemon, with 1..253 descriptors: targets, in order
  commit = 18,       // httpd -> daemon: use them
  reply = 19,        // daemon -> httpd: to commit
  notice = 20,       // daemon -> httpd: a line for error_log
  counts = 21,       // httpd -> daemon, before commit, with one descriptor: RequestCounts
  attach = 32,       // daemon -> firewall: asks for the ring buffer
  ring = 33,         // firewall -> daemon, with one descriptor: the ring buffer's map
  process = 34,      // daemon -> firewall: who it is, and its origin
  remove = 35,       // root -> firewall: out of the kernel with all that is yours; replied to
  blocks = 36,  // daemon -> firewall, with one descriptor: a memfd of Blocks::encode(); answered
  status = 48,  // command line -> daemon or firewall: how are you?
  status_reply = 49,
  show_policy = 50,   // command line -> daemon: what is in force?
  policy_shown = 51,  // daemon -> command line, with one descriptor: a memfd of Policy::encode()
  block = 52,         // command line -> daemon: from now on; answered by blocked
  unblock = 53,       // command line -> daemon: no longer; answered by blocked
  blocked = 54,       // daemon -> command line: what has changed
  show_blocks = 55,   // command line -> daemon: what is blocked?
  blocks_shown = 56,  // daemon -> command line, with one descriptor: a memfd of Blocks::encode()
  show_limits = 57,   // command line -> daemon: what is used of a site's limits?
  limits_shown = 58,  // daemon -> command line, with one descriptor: see encode_site_limits()
  reset_limits = 59,  // command line -> daemon: from now on; answered by limits_reset
  limits_reset = 60,  // daemon -> command line: since when they are
};

// The type of a packet with a valid head; nothing otherwise.
std::optional<MessageType> message_type(std::string_view packet);

// A packet that is its head alone: milter_hello, commit, counts, attach, ring, remove, status,
// show_policy, policy_shown, show_blocks, blocks_shown, limits_shown. Any other begins with it.
std::string encode_head(MessageType type);

inline constexpr std::size_t packet_head_size = 4;

// Reads a packet of one type; see each_pair().
template <class Take>
Status read_packet(MessageType type, std::string_view what, std::string_view packet, Take take) {
  if (message_type(packet) != type) return Error{std::string(what) + ": not such a packet"};
  return each_pair(what, packet.substr(packet_head_size), take);
}

}  // namespace mailorigin
