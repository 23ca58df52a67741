#include "firewall/old_connections.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <vector>

#include "core/fd.h"
#include "firewall/limits.h"

namespace mailorigin::firewall {

namespace {

constexpr int answer_patience_ms = 2000;

struct Request {
  nlmsghdr head;
  inet_diag_req_v2 body;
};

Request make_request(std::uint16_t type, std::uint16_t flags, std::uint8_t family) {
  Request request{};
  request.head.nlmsg_len = sizeof request;
  request.head.nlmsg_type = type;
  request.head.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  request.body.sdiag_family = family;
  request.body.sdiag_protocol = IPPROTO_TCP;
  return request;
}

// Calls take(message) for each message that comes, until it returns false.
template <class Take>
Status receive(int socket, Take take) {
  alignas(nlmsghdr) std::array<char, 65536> buffer;
  for (;;) {
    pollfd ready{socket, POLLIN, 0};
    if (poll(&ready, 1, answer_patience_ms) <= 0) return Error{"sock_diag: no answer"};
    auto size = static_cast<std::size_t>(
        std::max<ssize_t>(recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT), 0));
    if (size == 0) return system_error("sock_diag", errno);
    for (auto* message = reinterpret_cast<nlmsghdr*>(buffer.data());
         size >= sizeof(nlmsghdr) && message->nlmsg_len >= sizeof(nlmsghdr) &&
         message->nlmsg_len <= size;) {
      if (!take(*message)) return Done{};
      const std::size_t step = NLMSG_ALIGN(message->nlmsg_len);
      if (step >= size) break;
      size -= step;
      message = reinterpret_cast<nlmsghdr*>(reinterpret_cast<char*>(message) + step);
    }
  }
}

int error_of(const nlmsghdr& message) {
  nlmsgerr error{};
  if (message.nlmsg_len < NLMSG_LENGTH(sizeof error)) return EPROTO;
  std::memcpy(&error, NLMSG_DATA(&message), sizeof error);
  return -error.error;
}

IpAddress destination_of(const inet_diag_msg& connection) {
  IpAddress address{};
  if (connection.idiag_family == AF_INET) {
    address[10] = address[11] = 0xff;
    std::memcpy(address.data() + 12, connection.id.idiag_dst, 4);
  } else {
    std::memcpy(address.data(), connection.id.idiag_dst, 16);
  }
  return address;
}

bool may_stay(const CompiledPolicy& policy, const CompiledPolicy* before,
              const inet_diag_msg& connection) {
  const std::uint32_t uid = connection.idiag_uid;
  const std::uint16_t port = ntohs(connection.id.idiag_dport);
  if (!policy.ports.contains(port)) return true;
  const IpAddress to = destination_of(connection);
  if (before == nullptr) return decide_by_uid(policy, uid, to, port).verdict != mo_deny;
  // An address that a name has had is in neither: that is nobody's decision.
  return may_be_open(policy, uid, to, port) || !may_be_open(*before, uid, to, port);
}

Status list(int socket, std::uint8_t family, const CompiledPolicy& policy,
            const CompiledPolicy* before, std::vector<inet_diag_msg>& found) {
  Request request = make_request(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, family);
  request.body.idiag_states = 1U << TCP_ESTABLISHED | 1U << TCP_SYN_SENT | 1U << TCP_CLOSE_WAIT;
  if (send(socket, &request, sizeof request, 0) < 0) return system_error("sock_diag", errno);
  int fault = 0;
  const Status received = receive(socket, [&](const nlmsghdr& message) {
    if (message.nlmsg_type == NLMSG_DONE) return false;
    if (message.nlmsg_type == NLMSG_ERROR) {
      fault = error_of(message);
      return false;
    }
    inet_diag_msg connection{};
    if (message.nlmsg_len < NLMSG_LENGTH(sizeof connection)) return true;
    std::memcpy(&connection, NLMSG_DATA(&message), sizeof connection);
    if (found.size() < connections_closed_at_once && !may_stay(policy, before, connection)) {
      found.push_back(connection);
    }
    return true;
  });
  if (received && fault != 0) return system_error("sock_diag", fault);
  return received;
}

// 0, or an errno value.
int destroy(int socket, const inet_diag_msg& connection) {
  Request request = make_request(SOCK_DESTROY, NLM_F_ACK, connection.idiag_family);
  request.body.idiag_states = ~0U;
  request.body.id = connection.id;
  if (send(socket, &request, sizeof request, 0) < 0) return errno;
  int fault = EPROTO;
  const Status received = receive(socket, [&](const nlmsghdr& message) {
    if (message.nlmsg_type == NLMSG_ERROR) fault = error_of(message);
    return message.nlmsg_type != NLMSG_ERROR;
  });
  return received ? fault : EPROTO;
}

}  // namespace

Result<std::size_t> close_old_connections(const CompiledPolicy& policy,
                                          const CompiledPolicy* before) {
  const Fd socket(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!socket) return system_error("sock_diag", errno);
  std::size_t closed = 0;
  for (;;) {
    std::vector<inet_diag_msg> found;
    for (const std::uint8_t family : {AF_INET, AF_INET6}) {
      if (Status listed = list(socket.get(), family, policy, before, found); !listed) {
        return listed.error();
      }
    }
    const std::size_t closed_earlier = closed;
    for (const inet_diag_msg& each : found) {
      const int fault = destroy(socket.get(), each);
      if (fault == 0) closed++;
      if (fault != 0 && fault != ENOENT) return system_error("SOCK_DESTROY", fault);
    }
    // However many there are: the last one of a flood is the one that matters.
    if (found.size() < connections_closed_at_once || closed == closed_earlier) return closed;
  }
}

}  // namespace mailorigin::firewall
