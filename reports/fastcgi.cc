#include "reports/fastcgi.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "core/fd.h"
#include "core/name_values.h"

namespace mailorigin::reports {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t answer_limit = 64 << 10;
constexpr std::size_t header_size = 8;
constexpr std::size_t content_limit = 65'535;
// Types of records, and the role: FastCGI 1.0.
constexpr std::uint8_t begin_request = 1, end_request = 3, params_record = 4, stdin_record = 5,
                       stdout_record = 6;
constexpr char responder = 1;

void append_record(std::string& out, std::uint8_t type, std::string_view content) {
  const char header[header_size] = {1,
                                    static_cast<char>(type),
                                    0,
                                    1,
                                    static_cast<char>(content.size() >> 8),
                                    static_cast<char>(content.size() & 0xFF),
                                    0,
                                    0};
  out.append(header, sizeof header).append(content);
}

Result<std::string> request_of(const FastcgiParams& params) {
  std::string pairs;
  NameValueWriter writer(pairs);
  for (const auto& [name, value] : params) writer.add(name, value);
  if (pairs.size() > content_limit) return Error{"the request is too large"};
  std::string out;
  const char body[] = {0, responder, 0, 0, 0, 0, 0, 0};  // the role, no flags
  append_record(out, begin_request, {body, sizeof body});
  append_record(out, params_record, pairs);
  append_record(out, params_record, "");
  append_record(out, stdin_record, "");
  return out;
}

bool wait(int fd, short events, Clock::time_point end) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
  pollfd waiting{fd, events, 0};
  return left.count() > 0 && poll(&waiting, 1, static_cast<int>(left.count())) == 1;
}

Result<Fd> connected(const sockaddr* address, socklen_t size, Clock::time_point end) {
  Fd socket(::socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return system_error("socket()", errno);
  if (connect(socket.get(), address, size) == 0) return socket;
  if (errno != EINPROGRESS) return system_error("connect()", errno);
  if (!wait(socket.get(), POLLOUT, end)) return Error{"no connection in time"};
  int fault = 0;
  socklen_t length = sizeof fault;
  getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &fault, &length);
  if (fault != 0) return system_error("connect()", fault);
  return socket;
}

Result<Fd> connect_to(const std::string& listen, Clock::time_point end) {
  if (listen.starts_with('/')) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (listen.size() >= sizeof address.sun_path) return Error{"the socket's path is too long"};
    std::memcpy(address.sun_path, listen.c_str(), listen.size());
    return connected(reinterpret_cast<const sockaddr*>(&address), sizeof address, end);
  }
  const std::size_t colon = listen.rfind(':');
  const auto port = parse_number(
      std::string_view(listen).substr(colon == std::string::npos ? 0 : colon + 1), UINT16_MAX);
  std::string host = colon == std::string::npos ? "" : listen.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty() || host == "0.0.0.0" || host == "*") host = "127.0.0.1";
  if (host == "::") host = "::1";
  if (!port) return Error{"no socket and no port"};
  sockaddr_in ipv4{};
  ipv4.sin_family = AF_INET;
  ipv4.sin_port = htons(static_cast<std::uint16_t>(*port));
  if (inet_pton(AF_INET, host.c_str(), &ipv4.sin_addr) == 1) {
    return connected(reinterpret_cast<const sockaddr*>(&ipv4), sizeof ipv4, end);
  }
  sockaddr_in6 ipv6{};
  ipv6.sin6_family = AF_INET6;
  ipv6.sin6_port = htons(static_cast<std::uint16_t>(*port));
  if (inet_pton(AF_INET6, host.c_str(), &ipv6.sin6_addr) == 1) {
    return connected(reinterpret_cast<const sockaddr*>(&ipv6), sizeof ipv6, end);
  }
  return Error{host + " is no address"};
}

Status send_all(int fd, std::string_view bytes, Clock::time_point end) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno != EAGAIN && errno != EINTR) {
      return system_error("send()", errno);
    } else if (!wait(fd, POLLOUT, end)) {
      return Error{"it takes nothing"};
    }
  }
  return Done{};
}

// Takes whole records off `buffer`. True at the answer's end.
bool take_records(std::string& buffer, std::string& answer) {
  while (buffer.size() >= header_size) {
    const auto byte = [&](std::size_t at) { return static_cast<std::uint8_t>(buffer[at]); };
    const std::size_t content = (std::size_t{byte(4)} << 8) + byte(5);
    const std::size_t whole = header_size + content + byte(6);
    if (buffer.size() < whole) return false;
    const std::uint8_t type = byte(1);
    if (type == stdout_record) answer.append(buffer, header_size, content);
    buffer.erase(0, whole);
    if (type == end_request) return true;
  }
  return false;
}

}  // namespace

Result<std::string> ask_fastcgi(const std::string& address, const FastcgiParams& params,
                                std::chrono::milliseconds patience) {
  const Clock::time_point end = Clock::now() + patience;
  const auto request = request_of(params);
  if (!request) return request.error();
  const auto socket = connect_to(address, end);
  if (!socket) return socket.error();
  if (const Status sent = send_all(socket->get(), *request, end); !sent) return sent.error();
  std::string buffer;
  std::string answer;
  char piece[4096];
  while (answer.size() <= answer_limit) {
    const ssize_t size = recv(socket->get(), piece, sizeof piece, 0);
    if (size > 0) {
      buffer.append(piece, static_cast<std::size_t>(size));
      if (take_records(buffer, answer)) return answer;
    } else if (size == 0) {
      return Error{"it closed the connection without an answer"};
    } else if (errno != EAGAIN && errno != EINTR) {
      return system_error("recv()", errno);
    } else if (!wait(socket->get(), POLLIN, end)) {
      return Error{"no answer within " + std::to_string(patience.count() / 1000) + " s"};
    }
  }
  return Error{"it answers without an end"};
}

}  // namespace mailorigin::reports
