#include "mod_mailorigin/report.h"

#include "mod_mailorigin/module.h"

APLOG_USE_MODULE(mailorigin);

namespace mailorigin::httpd {

void report(int level, const server_rec* server, std::string_view text) {
  if (server == nullptr) level |= APLOG_STARTUP;
  ap_log_error(APLOG_MARK, level, 0, server, "%.*s", static_cast<int>(text.size()), text.data());
}

}  // namespace mailorigin::httpd
