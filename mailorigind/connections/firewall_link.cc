#include "mailorigind/connections/firewall_link.h"

#include <chrono>
#include <utility>

#include "core/blocks.h"
#include "core/sealed_memory.h"
#include "core/wire/control.h"
#include "core/wire/firewall.h"

namespace mailorigin::daemon {

namespace {

constexpr std::uint64_t retry_ms = 100;

Deadline now() { return std::chrono::steady_clock::now(); }

}  // namespace

void FirewallLink::want(bool wanted) {
  wanted_ = wanted;
  if (wanted) return;
  disconnect();
  ring_.reset();
  openers_.reset();
  without_programs_ = false;
  origins_.reset();
  its_blocks_.clear();
}

void FirewallLink::disconnect() {
  socket_.reset();
  while (answered_ < added_) results_.push_back({answered_++, false});
}

void FirewallLink::tend(std::uint64_t now_ms) {
  if (!socket_ && (tried_ms_ == 0 || now_ms - tried_ms_ >= retry_ms)) connect(now_ms);
}

void FirewallLink::use(const std::string& blocks) {
  auto memory = sealed_memory("mailorigin-blocks", blocks);
  blocks_ = memory ? *std::move(memory) : Fd();
  blocks_digest_ = Blocks::digest_of(blocks);
  // What does not go through now does over the next connection.
  if (socket_ && !send_blocks(socket_)) disconnect();
}

bool FirewallLink::send_blocks(const Fd& socket) const {
  if (!blocks_) return true;
  return static_cast<bool>(
      send_packet(socket.get(), encode_blocks_digest(blocks_digest_), now(), {blocks_.get()}));
}

void FirewallLink::connect(std::uint64_t now_ms) {
  tried_ms_ = now_ms;
  // Not there yet, or not any more: httpd starts it, and says so.
  auto connected = connect_unix(socket_path_, now());
  // The blocks first: where it has no ring, its answer to `attach` is the last.
  if (connected && send_blocks(*connected) &&
      send_packet(connected->get(), encode_head(MessageType::attach), now()) &&
      poller_.watch(service::Source::visitor, connected->get())) {
    socket_ = *std::move(connected);
  }
}

void FirewallLink::receive() {
  while (socket_) {
    switch (receive_packet(socket_.get(), packet_, packet_limit)) {
      case Received::nothing_yet:
        return;
      case Received::packet:
        take_packet();
        break;
      case Received::closed:
      case Received::too_long:
      case Received::failed:
        disconnect();
        return;
    }
  }
}

void FirewallLink::take_packet() {
  const auto type = message_type(packet_.bytes);
  if (type == MessageType::ring) {
    // Without a ring there are no programs in the kernel (yet): asked again.
    without_programs_ = packet_.descriptors.empty();
    if (without_programs_) {
      openers_.reset();
      disconnect();
    } else {
      use(std::move(packet_.descriptors));
    }
  } else if (type == MessageType::blocks) {
    if (const auto digest = decode_blocks_digest(packet_.bytes)) its_blocks_ = *digest;
  } else if (type == MessageType::reply && answered_ < added_) {
    const auto error = decode_reply(packet_.bytes);
    results_.push_back({answered_++, error && error->empty()});
  }
  packet_.descriptors.clear();
}

void FirewallLink::use(std::vector<Fd> descriptors) {
  std::string fault;
  if (auto ring = KernelRing::map(descriptors[0], mo_ring_size)) {
    ring_ = *std::move(ring);
  } else {
    fault = ring.error().message;
  }
  if (descriptors.size() < 3) {
    fault = "the firewall's map of processes was not handed over";
  } else if (auto origins = ProcessOrigins::of(std::move(descriptors[2]))) {
    origins_ = *std::move(origins);
  } else {
    fault = origins.error().message;
  }
  if (descriptors.size() < 2) {
    fault = "the firewall's program of openers was not handed over";
  } else if (auto openers = ConnectionOpeners::of(std::move(descriptors[1]))) {
    openers_ = *std::move(openers);
  } else {
    fault = openers.error().message;
  }
  if (fault.empty()) {
    notices_.over("ring", "MO0241: all that the firewall knows can be read again");
    return;
  }
  notices_.begins("ring", Notice::Level::error,
                  "MO0240: " + fault +
                      ": refused connections are not recorded, or a program that has lost its "
                      "context is known by its user alone, or root's mail by SMTP is trusted by "
                      "nobody. Are mailorigind and "
                      "mailorigin-firewall of one version?");
}

std::optional<std::uint64_t> FirewallLink::add(const mo_registration& process) {
  if (!socket_) return std::nullopt;
  if (!send_packet(socket_.get(), encode_process(process), now())) return std::nullopt;
  return added_++;
}

std::optional<FirewallLink::Registered> FirewallLink::next_result() {
  if (results_.empty()) return std::nullopt;
  const Registered result = results_.front();
  results_.pop_front();
  return result;
}

}  // namespace mailorigin::daemon
