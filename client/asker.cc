#include "client/asker.h"

#include <unistd.h>

#include <optional>

#include "core/random.h"

namespace mailorigin::client {

Result<Answer> Asker::ask(const std::string& socket_path, Question question,
                          std::chrono::milliseconds timeout) {
  random_bytes(question.nonce.data(), question.nonce.size());
  return exchange(socket_path, encode_question(question), question.nonce, timeout);
}

Result<Answer> Asker::register_process(const std::string& socket_path, Registration registration,
                                       std::chrono::milliseconds timeout) {
  random_bytes(registration.nonce.data(), registration.nonce.size());
  return exchange(socket_path, encode_registration(registration), registration.nonce, timeout);
}

Result<Answer> Asker::exchange(const std::string& socket_path, std::string_view packet,
                               const Nonce& nonce, std::chrono::milliseconds timeout) {
  const Deadline deadline = std::chrono::steady_clock::now() + timeout;

  // A descriptor that came over a fork is the parent's connection.
  if (owner_ != getpid() || connected_path_ != socket_path) connection_.reset();

  // A lost connection says nothing about the question: it is asked again, and
  // the nonce keeps it from counting twice. Every round but the first waits a
  // moment, so that a daemon that is being replaced is not hammered.
  std::optional<Error> fault;
  for (int round = 0; round == 0 || std::chrono::steady_clock::now() < deadline; round++) {
    if (round > 1) usleep(1000);
    if (!connection_) {
      auto connected = connect_unix(socket_path, deadline);
      if (!connected) {
        if (round == 0) return connected.error();
        fault = connected.error();
        continue;
      }
      connection_ = *std::move(connected);
      connected_path_ = socket_path;
      owner_ = getpid();
    }
    if (const Status sent = send_packet(connection_.get(), packet, deadline); !sent) {
      fault = sent.error();
      connection_.reset();
      continue;
    }
    const Received how = receive_packet(connection_.get(), received_, packet_limit, deadline);
    if (how == Received::packet) {
      auto answer = decode_answer(received_.bytes);
      if (answer && answer->nonce == nonce) return answer;
      fault = answer ? Error{"the answer belongs to another question"} : answer.error();
    } else {
      fault = Error{how == Received::nothing_yet ? "no answer in time" : "the connection was lost"};
    }
    connection_.reset();
  }
  return fault->context(socket_path);
}

}  // namespace mailorigin::client
