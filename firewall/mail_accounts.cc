#include "firewall/mail_accounts.h"

#include <pwd.h>

namespace mailorigin::firewall {

namespace {

// Debian's "mail" is on every host, whether a mail server uses it or not.
constexpr const char* accounts[] = {"postfix", "Debian-exim", "exim",
                                    "qmailr",  "opensmtpd",   "courier"};

}  // namespace

std::vector<std::string> refused_mail_accounts(const CompiledPolicy& policy) {
  std::vector<std::string> refused;
  for (const char* name : accounts) {
    const passwd* entry = getpwnam(name);
    if (entry == nullptr || entry->pw_uid == 0) continue;
    const auto account = policy.accounts.find(entry->pw_uid);
    const bool may = account != policy.accounts.end() && account->second.may != 0;
    if (!may && !policy.gids.contains(entry->pw_gid)) refused.emplace_back(name);
  }
  return refused;
}

}  // namespace mailorigin::firewall
