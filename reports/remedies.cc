#include "reports/remedies.h"

#include <algorithm>

namespace mailorigin::reports {

namespace {

struct Remedy {
  std::string_view message;
  std::string_view text;
};

constexpr Remedy remedies[] = {
    {"MO0211", "raise LimitNOFILE in mailorigind.service, or httpd's `ulimit -n`"},
    {"MO0212", "free the disk of MailOriginStateDir"},
    {"MO0214", "set its mode to 0600"},
    {"MO0217", "free the disk of MailOriginStateDir"},
    {"MO0221", "look at the disk"},
    {"MO0222", "look at the disk"},
    {"MO0224", "free the disk of MailOriginStateDir"},
    {"MO0226", "use fewer files"},
    {"MO0230", "free its disk; look at the program that reads it"},
    {"MO0232", "see why it cannot be written (MO0230); what is lost stays lost"},
    {"MO0235", "start httpd"},
    {"MO0236", "`apachectl graceful`"},
    {"MO0240", "restart mailorigind and mailorigin-firewall, of one version"},
    {"MO0250",
     "run mailorigind in the host's pid namespace, or in one above those that ask "
     "(docs/operations.md, Containers)"},
    {"MO0260", "set its mode to 0600, and its owner to Exim's user"},
    {"MO0261", "include conf/exim's files of this version, and restart Exim"},
    {"MO0265",
     "see what was blocked there (`strings` shows it), block it again with `mailorigin block`, and "
     "delete the file"},
    {"MO0266", "free the disk of MailOriginStateDir, and repeat the command"},
    {"MO0277",
     "see why the store is slow: its disk, the processors, the database's server; what is missing "
     "stands in the logs"},
    {"MO0284", "nothing: it goes on by itself, and where it cannot MO0520 says why"},
    {"MO0281", "free the disk of MailOriginStateDir, and repeat the command"},
    {"MO0290",
     "start it by its unit (`MailOriginDaemon external`), or give its container CAP_SYS_ADMIN "
     "(`--cap-add SYS_ADMIN`)"},
    {"MO0520",
     "see to the database: MailOriginUser must be able to write it, and a program that keeps it "
     "locked must end (fuser names it). With one of a newer MailOrigin, install that again. One "
     "that is damaged, or something else's, is to be moved away, SQLite's "
     "with its -wal and -shm, and a new one is made"},
    {"MO0522",
     "see what the database does not take (a constraint or a trigger that is not MailOrigin's), "
     "and "
     "delete the file"},
};

}  // namespace

std::string remedy_of_message(std::string_view text) {
  const std::string_view number = text.substr(0, text.find(':'));
  const auto found = std::find_if(std::begin(remedies), std::end(remedies),
                                  [&](const Remedy& remedy) { return remedy.message == number; });
  // A daemon of another version may have messages that this one does not know.
  if (found == std::end(remedies)) return "docs/messages.md, " + std::string(number);
  return std::string(found->text) + " (docs/messages.md, " + std::string(number) + ')';
}

std::string remedy_of(const Error& error) {
  const auto says = [&](std::string_view words) {
    return error.message.find(words) != std::string::npos;
  };
  if (says(daemon_unreachable) && says(no_answer)) {
    return "it hangs, or systemd listens for it and it does not start: see what error_log or "
           "journalctl -u mailorigind says, and restart it (stop and start httpd; with "
           "MailOriginDaemon external: systemctl restart mailorigind)";
  }
  if (says(daemon_unreachable)) {
    return "start httpd, which starts it, and see what error_log says; with MailOriginDaemon "
           "external: systemctl start mailorigind.socket mailorigind-control.socket. "
           "--runtime-dir must be MailOriginRuntimeDir";
  }
  if (says("this is not understood here")) {
    return "the service is of an older version than this command: apachectl graceful starts the "
           "new "
           "mailorigind; with MailOriginDaemon external: systemctl restart mailorigind "
           "mailorigin-firewall";
  }
  if (says("httpd has not sent its configuration")) {
    return "load mod_mailorigin (a2enmod mailorigin) and start httpd; its MailOriginRuntimeDir "
           "must "
           "be this one";
  }
  if (says(store_missing)) return std::string(store_missing_remedy);
  return {};
}

}  // namespace mailorigin::reports
