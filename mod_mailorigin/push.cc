#include "mod_mailorigin/push.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace mailorigin::httpd {

namespace {

using namespace std::chrono_literals;

constexpr auto wait_step = 100ms;
// Notices come from the daemon alone; still, one look does not go on for ever.
constexpr int notices_at_once = 100;

void take_notice(const Packet& packet, std::vector<Notice>& notices) {
  if (auto notice = decode_notice(packet.bytes)) notices.push_back(*std::move(notice));
}

Status send_all(int connection, const PolicyMessage& message, int policy,
                const std::vector<int>& descriptors, int request_counts, Deadline deadline) {
  if (Status sent = send_packet(connection, encode_policy_message(message), deadline, {policy});
      !sent) {
    return sent;
  }
  for (std::size_t first = 0; first < descriptors.size(); first += descriptors_per_packet) {
    const std::size_t count = std::min(descriptors_per_packet, descriptors.size() - first);
    const auto begin = descriptors.begin() + static_cast<std::ptrdiff_t>(first);
    if (Status sent = send_packet(connection, encode_descriptors_message(first), deadline,
                                  {begin, begin + static_cast<std::ptrdiff_t>(count)});
        !sent) {
      return sent;
    }
  }
  if (request_counts >= 0) {
    if (Status sent =
            send_packet(connection, encode_head(MessageType::counts), deadline, {request_counts});
        !sent) {
      return sent;
    }
  }
  return send_packet(connection, encode_head(MessageType::commit), deadline);
}

Result<std::string> read_reply(int connection, Deadline deadline,
                               const std::function<bool()>& wait_on, std::vector<Notice>& notices) {
  Packet packet;
  for (;;) {
    const auto now = std::chrono::steady_clock::now();
    switch (receive_packet(connection, packet, packet_limit, std::min(deadline, now + wait_step))) {
      case Received::packet:
        if (message_type(packet.bytes) == MessageType::reply) return decode_reply(packet.bytes);
        take_notice(packet, notices);
        break;
      case Received::nothing_yet:
        if (now >= deadline) return Error{"no answer"};
        if (!wait_on()) return Error{"it ended"};
        break;
      case Received::closed:
        return Error{"it closed the connection"};
      case Received::too_long:
      case Received::failed:
        return Error{"its answer could not be read"};
    }
  }
}

}  // namespace

Result<Pushed> push_policy(const std::string& control_path, const PolicyMessage& message,
                           int policy, const std::vector<int>& descriptors, int request_counts,
                           Deadline deadline, const std::function<bool()>& wait_on) {
  auto connection = connect_unix(control_path, deadline);
  if (!connection) return connection.error();
  Pushed pushed;
  pushed.connection = *std::move(connection);
  const int socket = pushed.connection.get();
  if (const Status sent = send_all(socket, message, policy, descriptors, request_counts, deadline);
      !sent) {
    // The daemon may have said why before it hung up.
    auto reason = read_reply(socket, std::chrono::steady_clock::now(), wait_on, pushed.notices);
    if (!reason || reason->empty()) return sent.error();
    pushed.refusal = *std::move(reason);
    return pushed;
  }
  auto reply = read_reply(socket, deadline, wait_on, pushed.notices);
  if (!reply) return reply.error();
  pushed.refusal = *std::move(reply);
  return pushed;
}

bool read_notices(int connection, std::vector<Notice>& notices) {
  Packet packet;
  for (int i = 0; i < notices_at_once; i++) {
    switch (receive_packet(connection, packet, packet_limit)) {
      case Received::packet:
        take_notice(packet, notices);
        break;
      case Received::nothing_yet:
        return true;
      case Received::closed:
      case Received::too_long:
      case Received::failed:
        return false;
    }
  }
  return true;
}

}  // namespace mailorigin::httpd
