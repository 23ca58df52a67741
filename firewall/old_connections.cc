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
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/fd.h"
#include "firewall/limits.h"
#include "firewall/opener.h"

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

// The kernel's own filter: else whoever has very many connections to other ports would keep
// everybody waiting. Each port is compared; a match jumps to the end, the last miss beyond it.
std::vector<inet_diag_bc_op> port_filter(const std::set<std::uint16_t>& ports) {
  constexpr std::size_t op = sizeof(inet_diag_bc_op);
  const auto jump = [](std::size_t ops) { return static_cast<unsigned short>(ops * op); };
  std::vector<inet_diag_bc_op> filter;
  std::size_t left = ports.size();
  for (const std::uint16_t port : ports) {
    left--;
    filter.push_back({INET_DIAG_BC_D_EQ, 2 * op, jump(3)});
    filter.push_back({INET_DIAG_BC_NOP, 0, port});
    if (left > 0) filter.push_back({INET_DIAG_BC_JMP, op, jump(3 * left)});
  }
  return filter;
}
constexpr std::size_t filtered_ports_limit = 4096;  // what a jump can cross; more are told here

void append(std::string& out, std::uint16_t type, std::string_view value) {
  const nlattr head{static_cast<std::uint16_t>(NLA_HDRLEN + value.size()), type};
  out.append(reinterpret_cast<const char*>(&head), sizeof head);
  out.append(value);
  out.resize(NLA_ALIGN(out.size()));
}

template <class Thing>
std::string_view bytes_of(const Thing& thing) {
  return {reinterpret_cast<const char*>(&thing), sizeof thing};
}

// In which what has been written may still leave: also after shutdown() or close(), megabytes of
// it, for as long as the other side reads slowly.
constexpr std::uint32_t sending_states =
    1U << TCP_ESTABLISHED | 1U << TCP_SYN_SENT | 1U << TCP_SYN_RECV | 1U << TCP_CLOSE_WAIT |
    1U << TCP_FIN_WAIT1 | 1U << TCP_LAST_ACK | 1U << TCP_CLOSING;

std::string list_request(std::uint8_t family, const OldConnections& old) {
  Request request = make_request(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, family);
  request.body.idiag_states = sending_states;
  std::string attributes;
  if (old.policy.ports.size() <= filtered_ports_limit) {
    const auto filter = port_filter(old.policy.ports);
    append(attributes, INET_DIAG_REQ_BYTECODE,
           {reinterpret_cast<const char*>(filter.data()), filter.size() * sizeof filter[0]});
  }
  if (old.openers >= 0) {
    std::string map;
    append(map, SK_DIAG_BPF_STORAGE_REQ_MAP_FD, bytes_of(old.openers));
    append(attributes, INET_DIAG_REQ_SK_BPF_STORAGES | NLA_F_NESTED, map);
  }
  request.head.nlmsg_len = static_cast<std::uint32_t>(sizeof request + attributes.size());
  return std::string(bytes_of(request)) + attributes;
}

// The attribute of that type; empty where there is none.
std::string_view attribute(std::string_view all, std::uint16_t type) {
  nlattr head{};
  while (all.size() >= sizeof head) {
    std::memcpy(&head, all.data(), sizeof head);
    if (head.nla_len < sizeof head || head.nla_len > all.size()) break;
    if ((head.nla_type & NLA_TYPE_MASK) == type) {
      return all.substr(NLA_HDRLEN, head.nla_len - NLA_HDRLEN);
    }
    all.remove_prefix(std::min<std::size_t>(NLA_ALIGN(head.nla_len), all.size()));
  }
  return {};
}

// What the kernel kept with its socket.
std::optional<mo_opener> opener_of(std::string_view attributes) {
  const std::string_view value =
      attribute(attribute(attribute(attributes, INET_DIAG_SK_BPF_STORAGES), SK_DIAG_BPF_STORAGE),
                SK_DIAG_BPF_STORAGE_MAP_VALUE);
  mo_opener opener{};
  if (value.size() < sizeof opener) return std::nullopt;
  std::memcpy(&opener, value.data(), sizeof opener);
  return opener;
}

enum class Which : std::uint8_t { all, late };

struct Found {
  inet_diag_msg connection;
  std::optional<mo_opener> opener;
};

ClosedConnection facts_of(const Found& found) {
  const inet_diag_sockid& id = found.connection.id;
  ClosedConnection facts{found.connection.idiag_uid, 0, destination_of(found.connection),
                         ntohs(id.idiag_dport), 0};
  if (found.opener) {
    facts.uid = found.opener->uid;
    facts.vhost = found.opener->vhost;
    facts.cookie = std::uint64_t{id.idiag_cookie[1]} << 32 | id.idiag_cookie[0];
  }
  return facts;
}

bool stays(const OldConnections& old, Which which, const inet_diag_msg& connection,
           const std::optional<mo_opener>& opener) {
  const std::uint32_t uid = connection.idiag_uid;
  const std::uint16_t port = ntohs(connection.id.idiag_dport);
  if (!old.policy.ports.contains(port)) return true;
  const IpAddress to = destination_of(connection);
  if (opener) {
    // Judged under this policy, or one that differs in its names' addresses alone.
    if (static_cast<std::int32_t>(opener->generation - old.generation) >= 0) return true;
    return may_stay(old.policy, old.before, *opener, to, port);
  }
  if (which == Which::late) return true;
  if (old.before == nullptr) return decide_by_uid(old.policy, uid, to, port).verdict != mo_deny;
  // An address that a name has had is in neither: that is nobody's decision.
  return may_be_open(old.policy, uid, to, port) || !may_be_open(*old.before, uid, to, port);
}

// Of a connection's socket.
using Cookie = std::array<std::uint32_t, 2>;

Cookie cookie_of(const inet_diag_msg& connection) {
  return {connection.id.idiag_cookie[0], connection.id.idiag_cookie[1]};
}

Status list(int socket, std::uint8_t family, const OldConnections& old, Which which,
            const std::set<Cookie>& gone, std::vector<Found>& found) {
  const std::string request = list_request(family, old);
  if (send(socket, request.data(), request.size(), 0) < 0) return system_error("sock_diag", errno);
  int fault = 0;
  const Status received = receive(socket, [&](const nlmsghdr& message) {
    if (message.nlmsg_type == NLMSG_DONE) return false;
    if (message.nlmsg_type == NLMSG_ERROR) {
      fault = error_of(message);
      return false;
    }
    inet_diag_msg connection{};
    constexpr std::size_t head = NLMSG_LENGTH(sizeof connection);
    if (message.nlmsg_len < head) return true;
    std::memcpy(&connection, NLMSG_DATA(&message), sizeof connection);
    const std::string_view all(reinterpret_cast<const char*>(&message), message.nlmsg_len);
    const auto opener = opener_of(all.substr(std::min<std::size_t>(NLMSG_ALIGN(head), all.size())));
    if (found.size() < connections_closed_at_once && !stays(old, which, connection, opener) &&
        !gone.contains(cookie_of(connection))) {
      found.push_back({connection, opener});
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

Result<ClosedConnections> close(const OldConnections& old, Which which) {
  const Fd socket(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!socket) return system_error("sock_diag", errno);
  ClosedConnections closed;
  // Linux before 6.10 leaves what has no process any more where it is, with nothing to send.
  std::set<Cookie> gone;
  for (;;) {
    std::vector<Found> found;
    for (const std::uint8_t family : {AF_INET, AF_INET6}) {
      if (Status listed = list(socket.get(), family, old, which, gone, found); !listed) {
        return listed.error();
      }
    }
    const std::size_t closed_earlier = closed.count;
    for (const Found& each : found) {
      const int fault = destroy(socket.get(), each.connection);
      if (fault != 0 && fault != ENOENT) return system_error("SOCK_DESTROY", fault);
      if (fault != 0) continue;
      gone.insert(cookie_of(each.connection));
      closed.count++;
      if (closed.some.size() < closed_connections_said) closed.some.push_back(facts_of(each));
    }
    // However many there are: the last one of a flood is the one that matters.
    if (found.size() < connections_closed_at_once || closed.count == closed_earlier) return closed;
  }
}

}  // namespace

Result<ClosedConnections> close_old_connections(const OldConnections& old) {
  return close(old, Which::all);
}

Result<ClosedConnections> close_late_connections(const OldConnections& old) {
  return close(old, Which::late);
}

}  // namespace mailorigin::firewall
