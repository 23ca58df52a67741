// Deputies: connections that httpd itself opens to SMTP ports because a request leads it there.
// The kernel sees httpd's user connect; whose request it is, httpd alone can say.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "core/key.h"
#include "core/unix_socket.h"
#include "core/wire/asking.h"
#include "core/wire/deputing.h"
#include "mailorigind/active_policy.h"
#include "mailorigind/asking/vhost_quotas.h"
#include "mailorigind/journal/recording.h"
#include "mailorigind/journal/stamp.h"
#include "mailorigind/judging/judge.h"
#include "mailorigind/limits.h"
#include "mailorigind/moment.h"

namespace mailorigin::daemon {

class Deputies {
 public:
  // References must outlive it.
  Deputies(Recording& recording, const Judge& judge)
      : recording_(recording),
        judge_(judge),
        policy_(std::make_shared<const ActivePolicy>(Policy(), std::vector<Fd>())) {}

  void use(std::shared_ptr<const ActivePolicy> policy);
  void use(const KeyRing& keys) { keys_ = keys; }

  // Fails where httpd has not sealed it.
  [[nodiscard]] Result<DeputedConnection> read(std::string_view packet, const Moment& moment) const;

  struct Answered {
    Answer answer;
    std::optional<std::size_t> record;  // among what is recorded, if there is a new event
  };
  // httpd's verdict stands, but for what is blocked. What is beyond its virtual host's share is
  // not recorded, and the answer says so. `httpd` is the process that asks, `user` its uid's name.
  Answered answer(DeputedConnection deputed, const Credentials& httpd, std::string_view user,
                  const Moment& moment);

 private:
  Recording& recording_;
  const Judge& judge_;  // knows what is blocked
  std::shared_ptr<const ActivePolicy> policy_;
  std::optional<KeyRing> keys_;
  VhostQuotas shares_{deputed_rate, deputed_burst};
  Stamp stamp_;
};

}  // namespace mailorigin::daemon
