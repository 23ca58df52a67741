#include "firewall/sock_diag.h"

#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

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

IpAddress address_of(std::uint8_t family, const __be32 (&words)[4]) {
  IpAddress address{};
  if (family == AF_INET) {
    address[10] = address[11] = 0xff;
    std::memcpy(address.data() + 12, words, 4);
  } else {
    std::memcpy(address.data(), words, 16);
  }
  return address;
}

constexpr std::size_t op_bytes = sizeof(inet_diag_bc_op);
constexpr std::size_t filtered_ports_limit = 4096;  // what a jump can cross

unsigned short jump(std::size_t bytes) { return static_cast<unsigned short>(bytes); }

template <class Thing>
std::string_view bytes_of(const Thing& thing) {
  return {reinterpret_cast<const char*>(&thing), sizeof thing};
}

// Each port is compared; a match jumps to the end, the last miss beyond it.
std::string port_filter(const std::set<std::uint16_t>& ports) {
  std::string filter;
  std::size_t left = ports.size();
  for (const std::uint16_t port : ports) {
    left--;
    filter += bytes_of(inet_diag_bc_op{INET_DIAG_BC_D_EQ, 2 * op_bytes, jump(3 * op_bytes)});
    filter += bytes_of(inet_diag_bc_op{INET_DIAG_BC_NOP, 0, port});
    if (left == 0) break;
    filter += bytes_of(inet_diag_bc_op{INET_DIAG_BC_JMP, op_bytes, jump(3 * left * op_bytes)});
  }
  return filter;
}

// The kernel's own filter: else whoever has very many connections to other ports would keep
// everybody waiting. What has the mark jumps to the end.
std::string filter_of(const SockDiag::Wanted& wanted) {
  std::string ports = port_filter(wanted.ports);
  if (wanted.mark.mask == 0) return ports;
  const inet_diag_markcond mark{wanted.mark.value, wanted.mark.mask};
  constexpr std::size_t condition = op_bytes + sizeof mark;
  std::string filter(
      bytes_of(inet_diag_bc_op{INET_DIAG_BC_MARK_COND, condition, jump(condition + op_bytes)}));
  filter += bytes_of(mark);
  filter += bytes_of(inet_diag_bc_op{INET_DIAG_BC_JMP, op_bytes, jump(op_bytes + ports.size())});
  return filter + ports;
}

void append(std::string& out, std::uint16_t type, std::string_view value) {
  const nlattr head{static_cast<std::uint16_t>(NLA_HDRLEN + value.size()), type};
  out.append(reinterpret_cast<const char*>(&head), sizeof head);
  out.append(value);
  out.resize(NLA_ALIGN(out.size()));
}

// In which what has been written may still leave: also after shutdown() or close(), megabytes of
// it, for as long as the other side reads slowly.
constexpr std::uint32_t sending_states =
    1U << TCP_ESTABLISHED | 1U << TCP_SYN_SENT | 1U << TCP_SYN_RECV | 1U << TCP_CLOSE_WAIT |
    1U << TCP_FIN_WAIT1 | 1U << TCP_LAST_ACK | 1U << TCP_CLOSING;

std::string list_request(std::uint8_t family, const SockDiag::Wanted& wanted) {
  Request request = make_request(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, family);
  request.body.idiag_states = sending_states;
  std::string attributes;
  if (wanted.ports.size() <= filtered_ports_limit) {
    append(attributes, INET_DIAG_REQ_BYTECODE, filter_of(wanted));
  }
  if (wanted.openers >= 0) {
    std::string map;
    append(map, SK_DIAG_BPF_STORAGE_REQ_MAP_FD, bytes_of(wanted.openers));
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

}  // namespace

Result<SockDiag> SockDiag::open() {
  Fd socket(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!socket) return system_error("sock_diag", errno);
  return SockDiag(std::move(socket));
}

Status SockDiag::list(const Wanted& wanted, const Visit& visit) {
  for (const std::uint8_t family : {AF_INET, AF_INET6}) {
    if (Status listed = list(list_request(family, wanted), visit); !listed) return listed;
  }
  return Done{};
}

Status SockDiag::list(const std::string& request, const Visit& visit) {
  if (send(socket_.get(), request.data(), request.size(), 0) < 0) {
    return system_error("sock_diag", errno);
  }
  int fault = 0;
  const Status received = receive(socket_.get(), [&](const nlmsghdr& message) {
    if (message.nlmsg_type == NLMSG_DONE) return false;
    if (message.nlmsg_type == NLMSG_ERROR) {
      fault = error_of(message);
      return false;
    }
    inet_diag_msg said{};
    constexpr std::size_t head = NLMSG_LENGTH(sizeof said);
    if (message.nlmsg_len < head) return true;
    std::memcpy(&said, NLMSG_DATA(&message), sizeof said);
    const std::string_view all(reinterpret_cast<const char*>(&message), message.nlmsg_len);
    TcpConnection connection{said.idiag_family, said.id};
    connection.from = address_of(said.idiag_family, said.id.idiag_src);
    connection.to = address_of(said.idiag_family, said.id.idiag_dst);
    connection.from_port = ntohs(said.id.idiag_sport);
    connection.to_port = ntohs(said.id.idiag_dport);
    connection.uid = said.idiag_uid;
    connection.cookie = std::uint64_t{said.id.idiag_cookie[1]} << 32 | said.id.idiag_cookie[0];
    connection.opener = opener_of(all.substr(std::min<std::size_t>(NLMSG_ALIGN(head), all.size())));
    visit(connection);
    return true;
  });
  if (received && fault != 0) return system_error("sock_diag", fault);
  return received;
}

int SockDiag::destroy(const TcpConnection& connection) {
  Request request = make_request(SOCK_DESTROY, NLM_F_ACK, connection.family);
  request.body.idiag_states = ~0U;
  request.body.id = connection.id;
  if (send(socket_.get(), &request, sizeof request, 0) < 0) return errno;
  int fault = EPROTO;
  const Status received = receive(socket_.get(), [&](const nlmsghdr& message) {
    if (message.nlmsg_type == NLMSG_ERROR) fault = error_of(message);
    return message.nlmsg_type != NLMSG_ERROR;
  });
  return received ? fault : EPROTO;
}

}  // namespace mailorigin::firewall
