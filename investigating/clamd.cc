#include "investigating/clamd.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "core/fd.h"
#include "core/file.h"
#include "investigating/limits.h"

namespace mailorigin::investigating {

namespace {

constexpr std::size_t reply_limit = 4096;
constexpr std::size_t configuration_limit = 1 << 20;

// Nobody is waited for for ever who is too busy to take a connection.
Fd socket_for(int family) {
  Fd made(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval patience{10, 0};
  if (made) (void)setsockopt(made.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  return made;
}

Result<Fd> connect_to(const std::string& socket_name) {
  if (socket_name.starts_with('/')) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket_name.size() >= sizeof address.sun_path) return Error{socket_name + ": too long"};
    std::memcpy(address.sun_path, socket_name.c_str(), socket_name.size());
    Fd made = socket_for(AF_UNIX);
    if (!made ||
        connect(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      return system_error(socket_name, errno);
    }
    return made;
  }
  const std::size_t colon = socket_name.rfind(':');
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string host = socket_name.substr(0, colon);
  const std::string port = colon == std::string::npos ? "" : socket_name.substr(colon + 1);
  if (getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0) {
    return Error{socket_name + ": no such address"};
  }
  Fd made;
  int error = ECONNREFUSED;
  for (const addrinfo* each = found; each != nullptr && !made; each = each->ai_next) {
    Fd tried = socket_for(each->ai_family);
    if (tried && connect(tried.get(), each->ai_addr, each->ai_addrlen) == 0) {
      made = std::move(tried);
    } else {
      error = errno;
    }
  }
  freeaddrinfo(found);
  if (!made) return system_error(socket_name, error);
  return made;
}

class Conversation {
 public:
  explicit Conversation(Fd socket) : socket_(std::move(socket)) {}

  // False: the other side has heard enough, or the time is over.
  bool send_all(std::string_view bytes) {
    while (!bytes.empty()) {
      if (!wait_for(POLLOUT)) return false;
      const ssize_t sent =
          send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (sent < 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  // Up to a NUL, or to the end.
  Result<std::string> reply() {
    std::string out;
    char block[512];
    while (out.size() < reply_limit) {
      if (!wait_for(POLLIN)) return Error{"clamd does not answer in time"};
      const ssize_t length = recv(socket_.get(), block, sizeof block, MSG_DONTWAIT);
      if (length < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (length < 0) return system_error("clamd", errno);
      if (length == 0) break;
      out.append(block, static_cast<std::size_t>(length));
      if (const std::size_t end = out.find('\0'); end != std::string::npos)
        return out.substr(0, end);
    }
    if (out.empty()) return Error{"clamd has closed the connection without an answer"};
    return out;
  }

 private:
  bool wait_for(short event) const {
    using namespace std::chrono;
    pollfd wait{socket_.get(), event, 0};
    for (;;) {
      const auto left = duration_cast<milliseconds>(until_ - steady_clock::now()).count();
      const int ready = left > 0 ? poll(&wait, 1, static_cast<int>(left)) : 0;
      if (ready < 0 && errno == EINTR) continue;
      return ready > 0;
    }
  }

  Fd socket_;
  const std::chrono::steady_clock::time_point until_ =
      std::chrono::steady_clock::now() + std::chrono::seconds(clamd_seconds);
};

std::string length_of(std::size_t size) {
  const std::uint32_t number = htonl(static_cast<std::uint32_t>(size));
  std::string out(sizeof number, '\0');
  std::memcpy(out.data(), &number, sizeof number);
  return out;
}

}  // namespace

std::string clamd_in(std::string_view configuration) {
  std::string path, port, host = "127.0.0.1";
  while (!configuration.empty()) {
    const std::size_t end = std::min(configuration.find('\n'), configuration.size());
    std::string_view line = configuration.substr(0, end);
    configuration.remove_prefix(std::min(end + 1, configuration.size()));
    const std::size_t blank = line.find_first_of(" \t");
    if (blank == std::string_view::npos) continue;
    const std::string_view name = line.substr(0, blank);
    std::string_view value = line.substr(blank);
    value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
    value = value.substr(0, value.find_first_of(" \t\r"));
    if (name == "LocalSocket") path = value;
    if (name == "TCPSocket") port = value;
    if (name == "TCPAddr" && value != "0.0.0.0" && value != "::") host = value;
  }
  if (path.starts_with('/')) return path;
  return port.empty() ? "" : host + ':' + port;
}

std::string usual_clamd() {
  for (const char* path : {"/etc/clamav/clamd.conf", "/etc/clamd.d/scan.conf", "/etc/clamd.conf"}) {
    const auto configuration = read_file(path, configuration_limit);
    if (!configuration) continue;
    if (std::string found = clamd_in(*configuration); !found.empty()) return found;
  }
  return {};
}

Result<ClamdVerdict> clamd_verdict(std::string_view reply) {
  while (reply.ends_with('\n') || reply.ends_with('\0')) reply.remove_suffix(1);
  if (reply.starts_with("stream: ")) reply.remove_prefix(8);
  if (reply == "OK") return ClamdVerdict{};
  constexpr std::string_view found = " FOUND";
  if (reply.ends_with(found)) {
    return ClamdVerdict{true, std::string(reply.substr(0, reply.size() - found.size()))};
  }
  return Error{"clamd says: " + std::string(reply)};
}

Result<ClamdVerdict> ask_clamd(
    const std::string& socket_name,
    const std::function<Status(const std::function<void(std::string_view)>& take)>& content) {
  auto connected = connect_to(socket_name);
  if (!connected) return connected.error();
  Conversation conversation(*std::move(connected));
  bool heard = conversation.send_all(std::string_view("zINSTREAM\0", 10));
  const Status read = content([&](std::string_view bytes) {
    if (!bytes.empty())
      heard = heard && conversation.send_all(length_of(bytes.size()) + std::string(bytes));
  });
  if (!read) return read.error();
  // Whoever has heard enough says why.
  if (heard) (void)conversation.send_all(length_of(0));
  const auto reply = conversation.reply();
  if (!reply) return reply.error();
  return clamd_verdict(*reply);
}

}  // namespace mailorigin::investigating
