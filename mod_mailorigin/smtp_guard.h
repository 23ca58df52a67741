// httpd as somebody's deputy: .htaccess can name any server for httpd to connect to, and
// then it is httpd's user, not the tenant's, that connects. Where that is an SMTP port,
// the rules of the request's virtual host hold before httpd connects.
#pragma once

#include <optional>

#include "mod_mailorigin/deputy.h"
#include "mod_mailorigin/httpd_api.h"
#include "mod_mailorigin/smtp_destination.h"

namespace mailorigin::httpd {

struct Judgement {
  SmtpVerdict verdict;
  bool is_name = false;
  // Its address is the one to connect to instead of the name, which could have another the next
  // time that somebody asks. Empty: the name has none.
  DeputedDestination destination;
};

// Nothing where there is no rule to ask: another port, no firewall.
std::optional<Judgement> judge(request_rec* request, const char* host, apr_port_t port);

// True if httpd may not connect to `where`, which has an address. Makes an event of it, once for
// each destination of what the client asked for, and says in error_log what is not simply allowed.
bool refuses(request_rec* request, const Judgement& judgement, const char* where);

}  // namespace mailorigin::httpd
