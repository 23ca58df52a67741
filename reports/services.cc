#include "reports/services.h"

#include <unistd.h>

#include <chrono>
#include <utility>

#include "core/default_paths.h"
#include "core/file.h"
#include "core/policy_in_memory.h"
#include "core/socket_paths.h"
#include "core/unix_socket.h"
#include "core/wire/blocking.h"
#include "core/wire/control.h"
#include "reports/remedies.h"

namespace mailorigin::reports {

namespace {

// A service that lives answers in microseconds, and in some milliseconds while it
// takes a large policy.
constexpr std::chrono::seconds patience{5};
// Notices may come before the answer.
constexpr int packets_skipped = 512;

// mailorigin-firewall's is told with what it has left in force; see firewall_findings().
Error unreachable(const std::string& socket_path, const std::string& fault) {
  const bool is_daemon = socket_path.ends_with(control_socket(""));
  return Error{(is_daemon ? std::string(daemon_unreachable) : std::string()) + fault};
}

}  // namespace

Result<Packet> ask(const std::string& socket_path, std::string_view question, MessageType answer) {
  const Deadline deadline = std::chrono::steady_clock::now() + patience;
  const auto socket = connect_unix(socket_path, deadline);
  if (!socket) return unreachable(socket_path, socket.error().message);
  if (const Status sent = send_packet(socket->get(), question, deadline); !sent) {
    return unreachable(socket_path, sent.error().context(socket_path).message);
  }
  Packet packet;
  for (int i = 0; i < packets_skipped; i++) {
    switch (receive_packet(socket->get(), packet, packet_limit, deadline)) {
      case Received::packet:
        break;
      case Received::nothing_yet:
        return unreachable(socket_path, socket_path + ": " + std::string(no_answer) +
                                            std::to_string(patience.count()) + " s");
      case Received::closed:
      case Received::failed:
        return unreachable(socket_path,
                           socket_path + ": the connection was closed without an answer");
      case Received::too_long:
        return unreachable(socket_path, socket_path + ": the answer cannot be read");
    }
    const auto type = message_type(packet.bytes);
    if (type == answer) return Result<Packet>(std::move(packet));
    if (type == MessageType::reply) {
      const auto refusal = decode_reply(packet.bytes);
      return Error{refusal ? *refusal : refusal.error().message};
    }
  }
  return Error{socket_path + ": something else is said there"};
}

std::optional<bool> firewall_policy_is_kept(const std::string& runtime_directory) {
  if (runtime_directory != default_runtime_directory) return std::nullopt;
  return access(kept_policy(firewall_state_directory(default_state_directory)).c_str(), F_OK) == 0;
}

Result<nlohmann::json> ask_status(const std::string& socket_path) {
  const auto packet = ask(socket_path, encode_head(MessageType::status), MessageType::status_reply);
  if (!packet) return packet.error();
  // The view in the packet goes with its buffer, which a move keeps in place.
  const auto text = decode_status_reply(packet->bytes);
  if (!text) return text.error();
  auto status = nlohmann::json::parse(*text, nullptr, false);
  if (!status.is_object()) return Error{socket_path + ": the answer is no JSON object"};
  return status;
}

Result<Policy> ask_policy(const std::string& socket_path) {
  const auto packet =
      ask(socket_path, encode_head(MessageType::show_policy), MessageType::policy_shown);
  if (!packet) return packet.error();
  if (packet->descriptors.size() != 1) return Error{socket_path + ": the answer has no policy"};
  const auto bytes = read_file(packet->descriptors[0].get(), policy_size_limit);
  if (!bytes) return bytes.error();
  return Policy::decode(*bytes);
}

Result<Blocks> ask_blocks(const std::string& socket) {
  const auto packet = ask(socket, encode_head(MessageType::show_blocks), MessageType::blocks_shown);
  if (!packet) return packet.error();
  if (packet->descriptors.size() != 1) return Error{socket + ": the answer has no blocks"};
  const auto bytes = read_file(packet->descriptors[0].get(), blocks_size_limit);
  if (!bytes) return bytes.error();
  return Blocks::decode(*bytes);
}

Result<SiteLimits> ask_limits(const std::string& socket, const ShowLimitsMessage& question) {
  const auto packet = ask(socket, encode_show_limits(question), MessageType::limits_shown);
  if (!packet) return packet.error();
  if (packet->descriptors.size() != 1) return Error{socket + ": the answer has no limits"};
  const auto bytes = read_file(packet->descriptors[0].get(), site_limits_size_limit);
  if (!bytes) return bytes.error();
  return decode_site_limits(*bytes);
}

}  // namespace mailorigin::reports
