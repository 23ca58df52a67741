#include "mailorigind/queueing/exim_desk.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include "core/unix_socket.h"
#include "core/wire/exim_line.h"
#include "mailorigind/limits.h"
#include "service/connection_owner.h"

namespace mailorigin::daemon {

namespace {

// The message, with whose connection it has come over.
QueuedMail mail_of(EximLine line) {
  const auto client = service::end_of(line.client.address, line.client.port);
  const auto server = service::end_of(line.server.address, line.server.port);
  if (!client || !server) return std::move(line.mail);
  if (const auto owner = service::find_owner(*client, *server)) {
    line.mail.cookie = owner->cookie;
    line.mail.client = owner->client.told();
    line.mail.server = owner->server.told();
    line.mail.uid = owner->uid;
  }
  return std::move(line.mail);
}

}  // namespace

void EximDesk::refuse(uid_t uid) {
  const std::string who = "uid " + std::to_string(uid);
  notices_.begins("exim " + who, Notice::Level::error,
                  "MO0260: " + who +
                      " could connect to Exim's socket (MailOriginEximSocket), which must be "
                      "Exim's alone (mode 0600); it was refused");
}

void EximDesk::accept(int listener, const Moment& moment) {
  while (auto peer = accept_peer(listener)) {
    const uid_t uid = peer->credentials.uid;
    if (uid != 0 && uid != exim_) {
      refuse(uid);
      continue;
    }
    // Who has waited longest has given up, most likely; Exim does without an answer then.
    if (connections_.size() >= exim_connections) connections_.pop_front();
    if (!poller_.watch(service::Source::exim, peer->socket.get())) continue;
    connections_.push_back({std::move(peer->socket), moment.elapsed_ms()});
  }
}

void EximDesk::read(int fd) {
  const auto asking = std::find_if(connections_.begin(), connections_.end(),
                                   [&](const Connection& each) { return each.socket.get() == fd; });
  if (asking == connections_.end()) return;
  std::array<char, 65'536> buffer;
  const ssize_t length = recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (length < 0) {
    connections_.erase(asking);
    return;
  }
  const std::string_view bytes(buffer.data(), static_cast<std::size_t>(length));
  const std::size_t end = bytes.find('\n');
  asking->line += bytes.substr(0, end);
  if (length == 0 || end != bytes.npos || asking->line.size() > exim_line_limit) answer(asking);
}

void EximDesk::answer(Place asking) {
  auto line = asking->line.size() > exim_line_limit
                  ? Result<EximLine>(Error{"Exim's line is longer than " +
                                           std::to_string(exim_line_limit) + " bytes"})
                  : read_exim_line(asking->line);
  std::string text(exim_later);
  if (!line) {
    notices_.begins("exim line", Notice::Level::error,
                    "MO0261: a message was not let in: " + line.error().message +
                        "; are conf/exim's ACLs of this version?");
  } else if (const auto answer = answering_(mail_of(*std::move(line)))) {
    notices_.over("exim line", "MO0262: what Exim asks is understood again");
    text = exim_answer(*answer);
  }
  // It fits into a socket's buffer, and Exim waits for it.
  (void)send(asking->socket.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  connections_.erase(asking);
}

int EximDesk::keep_house(std::uint64_t now_ms) {
  while (!connections_.empty() &&
         now_ms - std::min(now_ms, connections_.front().since_ms) >= exim_patience_ms) {
    connections_.pop_front();
  }
  return connections_.empty() ? -1 : static_cast<int>(exim_patience_ms);
}

}  // namespace mailorigin::daemon
