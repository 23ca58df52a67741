// What httpd tells mailorigind of a connection that a request leads it to: the kernel sees httpd's
// user connect, and does not know for whom. It becomes an event of the request's virtual host.
#pragma once

#include <string>

#include "core/verdict.h"
#include "mod_mailorigin/httpd_api.h"
#include "mod_mailorigin/smtp_destination.h"

namespace mailorigin::httpd {

struct DeputedDestination {
  std::string host;     // as the request's configuration names it
  std::string address;  // the one to connect to
  apr_port_t port = 0;
};

struct Told {
  bool is_blocked = false;  // by `mailorigin block`: refused, whatever the directives say
  // Nobody has said whether it is: mailorigind is late, or httpd has no descriptor left to ask
  // with.
  bool may_be_blocked = false;
  std::string cause;    // ".htaccess's path:line" or its path; empty: not known
  std::string event;    // its id; empty: there is none
  std::string missing;  // why there is none; empty: none is due
};

// Waits for mailorigind's answer, for two seconds at most where that is there and late; not at all
// where the client's request has waited in vain before: a page may include a thousand others.
Told tell_of_connection(request_rec* request, const DeputedDestination& destination,
                        const SmtpVerdict& judged, Verdict verdict, bool has_waited_in_vain);

}  // namespace mailorigin::httpd
