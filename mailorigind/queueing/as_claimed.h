// Is a message in the queue the mail that was judged? Its sender may have claimed one mail,
// and handed another to the mail server.
#pragma once

#include "core/event.h"
#include "mailorigind/judging/senders.h"

namespace mailorigin::daemon {

// True if `seen`, as it is in the queue, has the senders that `claimed` was judged by, and no
// more recipients. Where no From was claimed, From is one of the envelope's senders; where no
// envelope sender was, it is the account's; a name without a domain has one of the mail
// server's. From may be written in another way if every reader finds the same addresses. What
// does not fit its field whole is never as claimed.
bool is_as_claimed(const Event& claimed, const Event& seen, const Completion& completion);

}  // namespace mailorigin::daemon
