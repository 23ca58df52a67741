#include "client/asker.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/random.h"

namespace mailorigin::client {

namespace {

using Clock = std::chrono::steady_clock;

Silence silence_of(int fault) {
  switch (fault) {
    case ENOENT:
    case ECONNREFUSED:
      return Silence::absent;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS:
      return Silence::exhausted;
    case ETIMEDOUT:
      return Silence::late;
    default:
      return Silence::unreachable;
  }
}

}  // namespace

void Asker::connect_ahead(const std::string& socket_path) {
  if (connection_ && owner_ == getpid() && connected_path_ == socket_path) return;
  (void)connect(socket_path, Clock::now());
}

bool Asker::tell(const std::string& socket_path, std::string_view packet) {
  // A connection may have been lost since it was used.
  for (int round = 0; round < 2; round++) {
    connect_ahead(socket_path);
    if (!connection_) return false;
    if (send_now(connection_.get(), packet)) return true;
    connection_.reset();
  }
  return false;
}

bool Asker::is_connected() const {
  return connection_ && owner_ == getpid() && is_open(connection_.get());
}

Reply Asker::ask(const std::string& socket_path, Question question, Patience patience) {
  random_bytes(question.nonce.data(), question.nonce.size());
  return exchange(socket_path, encode_question(question), question.nonce, patience);
}

Reply Asker::register_process(const std::string& socket_path, Registration registration,
                              Patience patience) {
  random_bytes(registration.nonce.data(), registration.nonce.size());
  return exchange(socket_path, encode_registration(registration), registration.nonce, patience);
}

std::optional<NoAnswer> Asker::connect(const std::string& socket_path, Deadline deadline) {
  connection_.reset();
  int number = 0;
  auto connected = connect_unix(socket_path, deadline, &number);
  if (!connected) return NoAnswer{silence_of(number), connected.error().message};
  connection_ = *std::move(connected);
  connected_path_ = socket_path;
  owner_ = getpid();
  connections_++;
  return std::nullopt;
}

bool Asker::converse(std::string_view packet, const Nonce& nonce,
                     std::chrono::milliseconds patience, Reply& reply) {
  const auto broken = [&](std::string cause) {
    reply.none = {Silence::late, std::move(cause)};
    return false;
  };
  int number = 0;
  const Status sent = send_packet(connection_.get(), packet, Clock::now() + patience, {}, &number);
  if (!sent) {
    const Silence why = silence_of(number);
    if (why != Silence::exhausted && why != Silence::late) return broken(sent.error().message);
    reply.none = {why, sent.error().message};
    return true;
  }
  // From here on and not from the beginning: whoever stops this process for a while
  // must not make the daemon look late.
  const Deadline deadline = Clock::now() + patience;
  const Received how = receive_packet(connection_.get(), received_, packet_limit, deadline);
  if (how == Received::nothing_yet) {
    reply.none = {Silence::late, "no answer in time"};
    return true;
  }
  if (how != Received::packet) return broken("the connection was lost");
  auto answer = decode_answer(received_.bytes);
  if (!answer) return broken(answer.error().message);
  if (answer->nonce != nonce) return broken("the answer belongs to another question");
  reply.answer = *std::move(answer);
  return true;
}

Reply Asker::exchange(const std::string& socket_path, std::string_view packet, const Nonce& nonce,
                      Patience patience) {
  // What is needed to hear the answer is there before the question is asked.
  if (received_.buffer.size() < packet_limit) received_.buffer.resize(packet_limit);
  // A descriptor that came over a fork is the parent's connection.
  if (owner_ != getpid() || connected_path_ != socket_path) connection_.reset();

  // A lost connection says nothing about the question: it is asked again, and the
  // nonce keeps it from counting twice. Every round but the first waits a moment, so
  // that a daemon that is being replaced is not hammered.
  Reply reply;
  const Deadline end = Clock::now() + patience.late;
  Deadline absent_since = Deadline::max();
  for (int round = 0; round == 0 || Clock::now() < end; round++) {
    if (round > 1) usleep(1000);
    if (!connection_) {
      if (const auto fault = connect(socket_path, end)) {
        reply.none = *fault;
        if (fault->why != Silence::absent || round == 0) return reply;
        absent_since = std::min(absent_since, Clock::now());
        if (Clock::now() - absent_since >= patience.absent) return reply;
        continue;
      }
      absent_since = Deadline::max();
    }
    const bool over = converse(packet, nonce, patience.late, reply);
    if (over && reply.answer) return reply;
    connection_.reset();
    reply.none.cause = socket_path + ": " + reply.none.cause;
    if (over) return reply;
  }
  return reply;
}

}  // namespace mailorigin::client
