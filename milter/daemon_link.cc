#include "milter/daemon_link.h"

#include <utility>

#include "core/random.h"
#include "milter/limits.h"

namespace mailorigin::milter {

std::unique_ptr<client::Asker> DaemonLink::take() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return std::make_unique<client::Asker>();
  auto asker = std::move(idle_.back());
  idle_.pop_back();
  return asker;
}

void DaemonLink::give_back(std::unique_ptr<client::Asker> asker) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(asker));
}

DaemonLink::Asked DaemonLink::ask(QueuedMail mail) {
  random_bytes(mail.nonce.data(), mail.nonce.size());
  auto asker = take();
  auto reply = asker->exchange(socket_path_, encode_queued(mail), mail.nonce,
                               {absent_patience, late_patience});
  return {*this, std::move(asker), std::move(reply)};
}

DaemonLink::Asked::~Asked() {
  if (asker_) link_->give_back(std::move(asker_));
}

void DaemonLink::show_presence() {
  (void)presence_.tell(socket_path_, encode_head(MessageType::milter_hello));
}

}  // namespace mailorigin::milter
