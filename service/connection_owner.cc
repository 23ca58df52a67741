#include "service/connection_owner.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace mailorigin::service {

namespace {

constexpr std::uint8_t listening = 10;  // TCP_LISTEN of the kernel's tcp_states.h
constexpr std::array<std::uint8_t, 12> mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct Asked {
  nlmsghdr head;
  inet_diag_req_v2 request;
};

void put(const End& end, __be32 (&address)[4], __be16& port) {
  std::memcpy(address, end.address.data(), end.ipv6 ? 16 : 4);
  port = htons(end.port);
}

Asked asked_of(const End& client, const End& server) {
  Asked asked{};
  asked.head.nlmsg_len = sizeof asked;
  asked.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
  asked.head.nlmsg_flags = NLM_F_REQUEST;
  asked.request.sdiag_family = client.ipv6 ? AF_INET6 : AF_INET;
  asked.request.sdiag_protocol = IPPROTO_TCP;
  asked.request.idiag_states = UINT32_MAX;
  put(client, asked.request.id.idiag_src, asked.request.id.idiag_sport);
  put(server, asked.request.id.idiag_dst, asked.request.id.idiag_dport);
  asked.request.id.idiag_cookie[0] = asked.request.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  return asked;
}

// Where no connection has these ends, the kernel answers with one that listens on the
// first.
bool is_answer_to(const Asked& asked, const inet_diag_msg& answer) {
  return answer.idiag_state != listening && answer.id.idiag_sport == asked.request.id.idiag_sport &&
         answer.id.idiag_dport == asked.request.id.idiag_dport;
}

}  // namespace

bool End::is_loopback() const {
  if (!ipv6) return address[0] == 127;
  return std::all_of(address.begin(), address.end() - 1, [](auto byte) { return byte == 0; }) &&
         address.back() == 1;
}

TcpEnd End::told() const {
  TcpEnd end{{}, port};
  if (ipv6) {
    end.address = address;
  } else {
    const auto behind = std::copy(mapped.begin(), mapped.end(), end.address.begin());
    std::copy(address.begin(), address.begin() + 4, behind);
  }
  return end;
}

std::optional<End> end_of(const sockaddr* address) {
  if (address == nullptr) return std::nullopt;
  End end;
  if (address->sa_family == AF_INET) {
    sockaddr_in ipv4{};
    std::memcpy(&ipv4, address, sizeof ipv4);
    std::memcpy(end.address.data(), &ipv4.sin_addr, sizeof ipv4.sin_addr);
    end.port = ntohs(ipv4.sin_port);
    return end;
  }
  if (address->sa_family != AF_INET6) return std::nullopt;
  sockaddr_in6 ipv6{};
  std::memcpy(&ipv6, address, sizeof ipv6);
  std::memcpy(end.address.data(), &ipv6.sin6_addr, sizeof ipv6.sin6_addr);
  end.port = ntohs(ipv6.sin6_port);
  end.ipv6 = !std::equal(mapped.begin(), mapped.end(), end.address.begin());
  if (!end.ipv6) {
    std::copy(end.address.begin() + mapped.size(), end.address.end(), end.address.begin());
    std::fill(end.address.begin() + 4, end.address.end(), 0);
  }
  return end;
}

std::optional<End> end_of(std::string_view address, std::uint16_t port) {
  // As an SMTP server writes it.
  constexpr std::string_view tag = "IPv6:";
  if (address.starts_with(tag)) address.remove_prefix(tag.size());
  const std::string text(address);
  sockaddr_in ipv4{};
  ipv4.sin_family = AF_INET;
  ipv4.sin_port = htons(port);
  if (inet_pton(AF_INET, text.c_str(), &ipv4.sin_addr) == 1) {
    return end_of(reinterpret_cast<const sockaddr*>(&ipv4));
  }
  sockaddr_in6 ipv6{};
  ipv6.sin6_family = AF_INET6;
  ipv6.sin6_port = htons(port);
  if (inet_pton(AF_INET6, text.c_str(), &ipv6.sin6_addr) != 1) return std::nullopt;
  return end_of(reinterpret_cast<const sockaddr*>(&ipv6));
}

std::optional<ConnectionOwner> find_owner(const End& client, const End& server) {
  if (client.ipv6 != server.ipv6) return std::nullopt;
  const Fd kernel(socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  if (!kernel) return std::nullopt;
  const Asked asked = asked_of(client, server);
  sockaddr_nl to{};
  to.nl_family = AF_NETLINK;
  if (sendto(kernel.get(), &asked, sizeof asked, 0, reinterpret_cast<const sockaddr*>(&to),
             sizeof to) < 0) {
    return std::nullopt;
  }
  // The kernel has answered by the time that sendto() returns.
  alignas(nlmsghdr) std::array<char, 4096> buffer;
  const ssize_t size = recv(kernel.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  nlmsghdr head{};
  inet_diag_msg answer{};
  if (size < static_cast<ssize_t>(NLMSG_HDRLEN + sizeof answer)) return std::nullopt;
  std::memcpy(&head, buffer.data(), sizeof head);
  if (head.nlmsg_type != SOCK_DIAG_BY_FAMILY) return std::nullopt;
  std::memcpy(&answer, buffer.data() + NLMSG_HDRLEN, sizeof answer);
  if (!is_answer_to(asked, answer)) return std::nullopt;
  ConnectionOwner owner{client, server, 0, std::nullopt};
  owner.cookie =
      std::uint64_t{answer.id.idiag_cookie[1]} << 32 | std::uint64_t{answer.id.idiag_cookie[0]};
  if (answer.idiag_inode != 0) owner.uid = answer.idiag_uid;
  return owner;
}

}  // namespace mailorigin::service
