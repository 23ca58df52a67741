// `mailorigin block`: which of an administrator's blocks a mail is under. Pure: nothing is
// remembered here.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "core/blocks.h"
#include "core/policy.h"
#include "core/wire/asking.h"
#include "mailorigind/judging/decision.h"
#include "mailorigind/judging/site_users.h"

namespace mailorigin::daemon {

struct BlockableMail {
  const Question& question;  // its claims, as they came
  uid_t uid;                 // the kernel's
  const Shown& shown;
  const Decision& decision;
  const Policy& policy;
  const SiteUsers& users;  // of that policy
};

// Null where none holds at this time; of several, one that refuses. A site is blocked where
// one of those is whose rules the mail is under, or, without a context, that its uid may be; a
// script where it is the one that httpd
// was asked for, the caller, or any file that MailOriginDenyScript is compared with, by
// either of the names of a virtual host's DocumentRoot; a client where the request's
// context is sealed.
const Block* find_block(const Blocks& blocks, const BlockableMail& mail, std::uint64_t now_ms);

// Which of them the firewall has refused a connection by; null where none is known (any more).
// `vhost` is whose policy decided, the server's where none did.
const Block* find_block(const Blocks& blocks, const SiteUsers& users, uid_t uid,
                        const VhostPolicy& vhost);

}  // namespace mailorigin::daemon
