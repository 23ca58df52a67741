// error_log, and the guard of everything that httpd calls.
#pragma once

#include <exception>
#include <string>
#include <string_view>

#include "mod_mailorigin/httpd_api.h"

namespace mailorigin::httpd {

// One line. `level` is an APLOG_ level; the text begins with its number
// ("MO0104: ..."). Without a server, as while the configuration is being
// read, the line goes to standard error, where `httpd -t` is looked at.
void report(int level, const server_rec* server, std::string_view text);

// Runs `work`; what it throws is written to error_log, and `fallback` is the
// result then: no exception may reach httpd's C code.
template <class Result, class Work>
Result guarded(Result fallback, Work work) noexcept {
  try {
    return work();
  } catch (const std::exception& exception) {
    report(APLOG_CRIT, ap_server_conf, std::string("MO0100: ") + exception.what());
  } catch (...) {
    report(APLOG_CRIT, ap_server_conf, "MO0100: unknown exception");
  }
  return fallback;
}

}  // namespace mailorigin::httpd
