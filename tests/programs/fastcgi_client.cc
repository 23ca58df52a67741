// A FastCGI client on the protocol's own header: what somebody does who talks to
// a pool's socket without httpd.
//
//   fastcgi_client SOCKET UID < parameters > answer
//
// Connects to the unix socket SOCKET as the user UID and asks once, as a
// responder's client (FastCGI 1.0, sections 3 and 6.2). Parameters are read as
// they are to be sent, encoded name-value pairs: names may come twice, lengths
// may lie. What the application says on its standard output is the answer, what
// it says on its standard error goes there. Exit status: 0 when the request was
// completed, 1 when the other side broke off or broke the protocol, 2 on usage,
// 3 when there was no connection. Nothing takes longer than `patience_seconds`.
#include <fastcgi.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "core/fd.h"
#include "core/name_values.h"

namespace {

constexpr int request_id = 1;
constexpr time_t patience_seconds = 30;
constexpr std::size_t content_limit = 65'528;  // FCGI_MAX_LENGTH, in whole eights

bool become(uid_t uid) {
  return setgroups(0, nullptr) == 0 && setresgid(uid, uid, uid) == 0 &&
         setresuid(uid, uid, uid) == 0;
}

mailorigin::Fd connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return mailorigin::Fd();
  std::memcpy(address.sun_path, path.data(), path.size());
  mailorigin::Fd connection(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval patience{.tv_sec = patience_seconds, .tv_usec = 0};
  setsockopt(connection.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(connection.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  const auto* const generic = reinterpret_cast<const sockaddr*>(&address);
  if (connect(connection.get(), generic, sizeof address) != 0) return mailorigin::Fd();
  return connection;
}

std::string record(int type, std::string_view content) {
  FCGI_Header header{};
  header.version = FCGI_VERSION_1;
  header.type = static_cast<unsigned char>(type);
  header.requestIdB0 = request_id;
  header.contentLengthB1 = static_cast<unsigned char>(content.size() >> 8);
  header.contentLengthB0 = static_cast<unsigned char>(content.size() & 255);
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
  bytes += content;
  return bytes;
}

// A whole stream, with the empty record that ends it.
std::string stream(int type, std::string_view content) {
  std::string bytes;
  for (std::size_t at = 0; at < content.size(); at += content_limit) {
    bytes += record(type, content.substr(at, content_limit));
  }
  return bytes + record(type, {});
}

std::string request(std::string_view parameters) {
  FCGI_BeginRequestBody begin{};
  begin.roleB0 = FCGI_RESPONDER;
  const std::string_view body(reinterpret_cast<const char*>(&begin), sizeof begin);
  return record(FCGI_BEGIN_REQUEST, body) + stream(FCGI_PARAMS, parameters) +
         record(FCGI_STDIN, {});
}

bool send_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

bool read_exactly(int fd, void* into, std::size_t size) {
  auto* at = static_cast<char*>(into);
  while (size > 0) {
    const ssize_t length = recv(fd, at, size, 0);
    if (length <= 0) return false;
    at += length;
    size -= static_cast<std::size_t>(length);
  }
  return true;
}

// Passes the answer on; true when the application said that it is complete.
bool read_answer(int fd) {
  FCGI_Header header{};
  std::string content;
  while (read_exactly(fd, &header, sizeof header)) {
    const std::size_t length = header.contentLengthB1 * 256U + header.contentLengthB0;
    content.resize(length + header.paddingLength);
    if (!read_exactly(fd, content.data(), content.size())) return false;
    if (header.type == FCGI_STDOUT) {
      std::fwrite(content.data(), 1, length, stdout);
    } else if (header.type == FCGI_STDERR) {
      std::fwrite(content.data(), 1, length, stderr);
    } else if (header.type == FCGI_END_REQUEST) {
      FCGI_EndRequestBody end{};
      if (length < sizeof end) return false;
      std::memcpy(&end, content.data(), sizeof end);
      return end.protocolStatus == FCGI_REQUEST_COMPLETE;
    }
  }
  return false;
}

std::string read_input() {
  std::string all;
  char piece[65536];
  for (std::size_t length; (length = std::fread(piece, 1, sizeof piece, stdin)) > 0;) {
    all.append(piece, length);
  }
  return all;
}

}  // namespace

int main(int count, char** arguments) {
  const auto uid =
      count == 3 ? mailorigin::parse_number(arguments[2], UINT32_MAX - 1) : std::nullopt;
  if (!uid) {
    std::fprintf(stderr, "usage: fastcgi_client SOCKET UID < parameters\n");
    return 2;
  }
  const std::string parameters = read_input();
  if (*uid != 0 && !become(static_cast<uid_t>(*uid))) return 3;
  const mailorigin::Fd connection = connect_to(arguments[1]);
  if (connection.get() < 0) {
    std::perror(arguments[1]);
    return 3;
  }
  // The other side may have ended the request before it read all of it.
  (void)send_all(connection.get(), request(parameters));
  return read_answer(connection.get()) ? 0 : 1;
}
