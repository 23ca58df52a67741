// httpd as somebody's deputy: .htaccess can name any server for httpd to connect to, and
// then it is httpd's user, not the tenant's, that connects. Where that is an SMTP port,
// the rules of the request's virtual host hold before httpd connects.
#pragma once

#include <optional>
#include <string>

#include "mod_mailorigin/httpd_api.h"
#include "mod_mailorigin/smtp_destination.h"

namespace mailorigin::httpd {

struct Judgement {
  SmtpVerdict verdict;
  bool is_name = false;
  // The one to connect to instead of the name, which could have another the next time
  // that somebody asks. Empty: the name has none.
  std::string address;
};

// Nothing where there is no rule to ask: another port, no firewall, MailOrigin Off.
std::optional<Judgement> judge(request_rec* request, const char* host, apr_port_t port);

// True if httpd may not connect to `where`. Says what is not simply allowed.
bool refuses(request_rec* request, const SmtpVerdict& verdict, const char* where);

}  // namespace mailorigin::httpd
