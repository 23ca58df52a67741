// The decision: who is judged by what. Pure: no socket, no
// clock, nothing remembered.
#pragma once

#include <sys/types.h>

#include <string_view>
#include <vector>

#include "core/policy.h"
#include "core/seal.h"

namespace mailorigin::daemon {

// What has come out of the context that a question showed.
struct Shown {
  const Context* context = nullptr;  // it holds: seal, uid and process
  std::string_view refusal;          // why one that was shown does not; empty if none was
  // Its seal holds, but it was not made for who shows it.
  const Context* foreign = nullptr;
};

// Why a context with a good seal may not be shown by a process of `uid`; empty
// if it may. A context for any uid may be shown by all, unless its virtual host, which may be
// null, has got a MailOriginRunAs by name since then.
std::string_view uid_refusal(const Context& context, uid_t uid, const VhostPolicy* vhost);

struct Decision {
  const VhostPolicy* policy =
      nullptr;  // whose logs and headers; never null, points into the Policy
  // Whose rules hold as well, or null: that of a foreign context. A CGI program that
  // runs as httpd's user is not to get around what its virtual host may not do.
  const VhostPolicy* also = nullptr;
  // Ports of its user's site, whose rules hold as well: without a context, nothing says
  // which port it is.
  std::vector<const VhostPolicy*> ports{};
  bool recorded = true;     // false: MailOrigin Off; then there is no header either
  std::string_view reason;  // a stable word, or empty
};

// A verified context is judged by its vhost's policy. Without one, a uid that runs a
// site is judged by that site's, of several by the one that holds `place` (the path of the
// script, or where it was started), any other uid by the server's. A context of a vhost
// that is no longer configured is judged by the server's and the uid's. Of a site's ports
// those with MailOrigin Off count only if all are.
Decision decide(const Shown& shown, uid_t uid, std::string_view place, const Policy& policy);

}  // namespace mailorigin::daemon
