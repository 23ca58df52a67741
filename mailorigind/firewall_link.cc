#include "mailorigind/firewall_link.h"

#include "core/wire.h"

namespace mailorigin {

namespace {

constexpr std::uint64_t retry_ms = 1000;

Deadline now() { return std::chrono::steady_clock::now(); }

}  // namespace

void FirewallLink::want(bool wanted) {
  wanted_ = wanted;
  if (wanted) return;
  socket_.reset();
  ring_.reset();
}

void FirewallLink::tend(std::uint64_t now_ms) {
  if (!socket_) connect(now_ms);
  if (socket_) receive();
}

void FirewallLink::connect(std::uint64_t now_ms) {
  if (tried_ms_ != 0 && now_ms - tried_ms_ < retry_ms) return;
  tried_ms_ = now_ms;
  // Not there yet, or not any more: httpd starts it, and says so.
  auto connected = connect_unix(socket_path_, now());
  if (connected && send_packet(connected->get(), encode_head(MessageType::attach), now())) {
    socket_ = *std::move(connected);
  }
}

void FirewallLink::receive() {
  switch (receive_packet(socket_.get(), packet_, packet_limit)) {
    case Received::nothing_yet:
      return;
    case Received::packet:
      break;
    case Received::closed:
    case Received::too_long:
    case Received::failed:
      socket_.reset();
      return;
  }
  if (message_type(packet_.bytes) != MessageType::ring || packet_.descriptors.size() != 1) return;
  auto ring = KernelRing::map(packet_.descriptors[0], mo_ring_size);
  packet_.descriptors.clear();
  if (!ring) {
    notices_.begins("ring", Notice::Level::error,
                    "MO0240: " + ring.error().message +
                        ": refused connections are not recorded. Are mailorigind and "
                        "mailorigin-firewall of one version?");
    return;
  }
  notices_.over("ring", "MO0241: connections to SMTP ports are recorded again");
  ring_ = *std::move(ring);
}

bool FirewallLink::add(const mo_registration& process) {
  if (!socket_) return false;
  std::string packet = encode_head(MessageType::process);
  packet.append(reinterpret_cast<const char*>(&process), sizeof process);
  return static_cast<bool>(send_packet(socket_.get(), packet, now()));
}

}  // namespace mailorigin
