// Who may connect to the milter: the mail server, and root. libmilter knows no more of its
// peers than a socket's mode can say; so each is looked at as it is accepted, which is what
// libmilter calls accept(2) for: this part defines that in its place. And poll(2), so that the
// mail server is heard to its last word before its connection has ended.
#pragma once

#include <sys/types.h>

namespace mailorigin::milter {

// Before the first connection. By TCP whoever connects is known by its connection.
void let_in(uid_t mail_server);

// Whether libmilter waits by this poll(2): one that was built otherwise may miss the last word of
// every connection.
bool hears_the_last_word();

}  // namespace mailorigin::milter
