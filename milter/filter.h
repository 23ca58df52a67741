// The filter as libmilter runs it: what is done at each step of a connection.
#pragma once

#include <string>

#include "core/result.h"
#include "milter/daemon_link.h"
#include "milter/local_domains.h"
#include "milter/mail_log.h"
#include "milter/options.h"

namespace mailorigin::milter {

// What all connections share; outlives the filter.
struct FilterSettings {
  DaemonLink* daemon = nullptr;
  MailLog* mail_log = nullptr;
  LocalDomains* local_domains = nullptr;
  OnFailure on_failure = OnFailure::allow;
};

// Listens; `connection` as libmilter has it ("unix:/path", "inet:port@host"). Once in a
// process.
Status open_filter(const std::string& connection, FilterSettings settings);

// Until stop_filter(), SIGTERM or SIGINT.
Status run_filter();
void stop_filter();

}  // namespace mailorigin::milter
