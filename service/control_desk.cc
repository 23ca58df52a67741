#include "service/control_desk.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <system_error>
#include <utility>

#include "core/file.h"
#include "core/policy_in_memory.h"
#include "service/limits.h"
#include "service/thread_share.h"

namespace mailorigin::service {

ControlDesk::ControlDesk(Poller& poller, NoticeBoard& notices, Owner owner)
    : poller_(poller), notices_(notices), owner_(std::move(owner)) {
  (void)poller_.watch(Source::control, decoded_.get());
}

void ControlDesk::adopt(Fd socket) {
  if (connections_.size() >= control_connections) return;
  const int fd = socket.get();
  if (!poller_.watch(Source::control, fd)) return;
  connections_[fd].socket = std::move(socket);
}

void ControlDesk::read(int fd) {
  if (fd == decoded_.get()) {
    take_decoded();
    return;
  }
  const auto found = connections_.find(fd);
  if (found == connections_.end()) return;
  Connection& connection = found->second;
  switch (receive_packet(fd, packet_, packet_limit)) {
    case Received::nothing_yet:
      return;
    case Received::packet:
      if (const Status handled = handle(connection); !handled) refuse(connection, handled.error());
      break;
    case Received::too_long:
      refuse(connection, Error{"a packet or its descriptors do not fit; is the service's limit on "
                               "open files (LimitNOFILE) too low?"});
      break;
    case Received::closed:
    case Received::failed:
      connections_.erase(found);
      break;
  }
  packet_.descriptors.clear();
}

// The connection stays: were it closed while packets of the push are on their
// way, the kernel would let httpd know of the reset before it lets it read why.
void ControlDesk::refuse(Connection& connection, const Error& error) {
  connection.push.reset();
  if (connection.refused) return;
  connection.refused = message_type(packet_.bytes) != MessageType::commit;
  send_now(connection.socket.get(), encode_reply(error.message));
}

Status ControlDesk::handle(Connection& connection) {
  const auto type = message_type(packet_.bytes);
  if (connection.refused) {
    connection.refused = type != MessageType::commit;
    return Done{};
  }
  if (type == MessageType::policy) return begin(connection);
  if (type == MessageType::descriptors) return add_descriptors(connection);
  if (type == MessageType::counts) return add_request_counts(connection);
  if (type == MessageType::commit) return commit(connection);
  return owner_.other(packet_, connection.socket.get());
}

const ControlDesk::Connection* ControlDesk::other_instance(const Connection& than) const {
  for (const auto& [fd, connection] : connections_) {
    if (!connection.instance.empty() && connection.instance != than.announced) {
      return &connection;
    }
  }
  return nullptr;
}

Status ControlDesk::begin(Connection& connection) {
  auto message = decode_policy_message(packet_.bytes);
  if (!message) return message.error();
  if (packet_.descriptors.size() != 1) {
    return Error{"policy: comes with one descriptor, not " +
                 std::to_string(packet_.descriptors.size())};
  }
  PolicyPush& push = connection.push.emplace(Begun{}).push;  // clang 14 does not make it in place
  push.keys = message->keys;
  push.read_ns = message->read_ns;
  connection.announced = message->instance;
  return decode(connection);
}

// What comes after the policy waits in the socket.
Status ControlDesk::decode(Connection& connection) {
  std::packaged_task<Result<Decoded>()> work([this, file = std::move(packet_.descriptors[0])]()
                                                 -> Result<Decoded> {
    auto encoded = read_file(file.get(), policy_size_limit);
    if (!encoded) return encoded.error().context("policy");
    auto policy = Policy::decode(*encoded);
    if (!policy) return policy.error();
    std::string instance = policy->instance;
    return Decoded{*std::move(encoded), std::move(instance), owner_.prepare(*std::move(policy))};
  });
  connection.decoded = work.get_future();
  try {
    connection.decoder = std::jthread([this, task = std::move(work)]() mutable {
      name_thread("policy");
      stand_aside();
      task();
      decoded_.signal();
    });
  } catch (const std::system_error& fault) {
    return Error{"policy: no thread to read it: " + std::string(fault.what())};
  }
  poller_.leave(connection.socket.get());
  return Done{};
}

void ControlDesk::take_decoded() {
  decoded_.clear();
  for (auto& [fd, connection] : connections_) {
    if (!connection.decoded.valid() ||
        connection.decoded.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
      continue;
    }
    if (const Status continued = continue_push(connection, connection.decoded.get()); !continued) {
      connection.push.reset();
      connection.refused = true;
      send_now(fd, encode_reply(continued.error().message));
    }
    (void)poller_.watch(Source::control, fd);
  }
}

Status ControlDesk::continue_push(Connection& connection, Result<Decoded> decoded) {
  if (!decoded) return decoded.error();
  if (decoded->instance != connection.announced) {
    return Error{"policy: it is another instance's than its message says"};
  }
  auto& [push, prepared] = *connection.push;
  push.encoded = std::move(decoded->encoded);
  prepared = std::move(decoded->prepared);
  push.descriptors.resize(prepared.descriptors);
  if (const Connection* other = other_instance(connection)) {
    return Error{"this " + std::string(program_invocation_short_name) + " serves another httpd (" +
                 other->instance + "): give this one (" + connection.announced +
                 ") a MailOriginRuntimeDir and a MailOriginStateDir of its own"};
  }
  return Done{};
}

Status ControlDesk::add_descriptors(Connection& connection) {
  const auto first = decode_descriptors_message(packet_.bytes);
  if (!first) return first.error();
  if (!connection.push) return Error{"descriptors: there is no policy before them"};
  auto& all = connection.push->push.descriptors;
  auto& come = packet_.descriptors;
  if (*first > all.size() || come.size() > all.size() - *first) {
    return Error{"descriptors: more than the policy has files and pipes"};
  }
  std::move(come.begin(), come.end(), all.begin() + static_cast<std::ptrdiff_t>(*first));
  return Done{};
}

Status ControlDesk::add_request_counts(Connection& connection) {
  if (!connection.push) return Error{"request counts: there is no policy before them"};
  if (packet_.descriptors.size() != 1) return Error{"request counts: come with one descriptor"};
  connection.push->push.request_counts = std::move(packet_.descriptors[0]);
  return Done{};
}

Status ControlDesk::commit(Connection& connection) {
  if (!connection.push) return Error{"commit: there is no policy before it"};
  auto [push, prepared] = std::move(*connection.push);
  connection.push.reset();
  const auto missing = std::find_if(push.descriptors.begin(), push.descriptors.end(),
                                    [](const Fd& fd) { return !fd; });
  if (missing != push.descriptors.end()) {
    return Error{"commit: descriptor " + std::to_string(missing - push.descriptors.begin()) +
                 " of " + std::to_string(push.descriptors.size()) + " is missing"};
  }
  if (Status accepted = prepared.accept(std::move(push)); !accepted) return accepted;
  connection.instance = connection.announced;
  connection.serial = ++pushes_;
  send_now(connection.socket.get(), encode_reply(""));
  notices_.say_unheard();
  return Done{};
}

const ControlDesk::Connection* ControlDesk::latest_httpd() const {
  const auto latest = std::max_element(
      connections_.begin(), connections_.end(),
      [](const auto& a, const auto& b) { return a.second.serial < b.second.serial; });
  return latest != connections_.end() && latest->second.serial > 0 ? &latest->second : nullptr;
}

std::string ControlDesk::connected_instance() const {
  const Connection* const httpd = latest_httpd();
  return httpd == nullptr ? std::string() : httpd->instance;
}

void ControlDesk::pass_notices() {
  std::deque<Notice> notices = notices_.take();
  const Connection* const httpd = latest_httpd();
  while (!notices.empty()) {
    if (httpd == nullptr) {
      print_notice(notices.front());
      notices_.unheard(std::move(notices.front()));
    } else if (!send_now(httpd->socket.get(), encode_notice(notices.front()))) {
      // httpd does not read at the moment, or has just gone.
      notices_.put_back(std::move(notices));
      return;
    }
    notices.pop_front();
  }
}

}  // namespace mailorigin::service
