// mailorigin-milter: starts as root, listens, gives root up, and runs.
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/file.h"
#include "core/unix_socket.h"
#include "core/wire/control.h"
#include "milter/daemon_link.h"
#include "milter/door.h"
#include "milter/filter.h"
#include "milter/limits.h"
#include "milter/local_domains.h"
#include "milter/mail_log.h"
#include "milter/options.h"
#include "service/handed_over.h"
#include "service/notice_board.h"
#include "service/option_reader.h"
#include "service/privileges.h"
#include "service/signals.h"

namespace mailorigin::milter {

namespace {

// The socket is the mail server's to connect to, in a directory that is root's alone.
Status listen_at(const Options& options, const service::Account& mail_server,
                 FilterSettings settings) {
  if (const auto port = options.port()) {
    return open_filter("inet:" + std::to_string(*port) + "@127.0.0.1", settings);
  }
  const std::string directory = options.listen.substr(0, options.listen.rfind('/'));
  // Nobody but root lists it, as with httpd's runtime directory.
  if (Status made = ensure_directory(directory, 0711); !made) return made;
  if (Status checked = check_socket_path(options.listen); !checked) return checked;
  umask(0777);  // until it has its owner
  Status opened = open_filter("unix:" + options.listen, settings);
  umask(077);
  if (!opened) return opened;
  if (lchown(options.listen.c_str(), 0, mail_server.gid) != 0 ||
      chmod(options.listen.c_str(), options.mode) != 0) {
    return system_error(options.listen, errno);
  }
  return Done{};
}

// The account's own groups: one of them may read the mail log.
std::vector<gid_t> groups_of(const service::Account& account) {
  const passwd* const entry = getpwuid(account.uid);
  if (entry == nullptr) return {};
  std::vector<gid_t> groups(64);
  int count = static_cast<int>(groups.size());
  if (getgrouplist(entry->pw_name, account.gid, groups.data(), &count) < 0) return {};
  groups.resize(static_cast<std::size_t>(count));
  return groups;
}

Status serve(const Options& options) {
  auto handed_over = service::take_handed_over();
  if (!handed_over) return handed_over.error();
  const auto account = service::find_account(options.user);
  if (!account) return account.error();
  const auto mail_server = service::find_account(options.mail_user);
  if (!mail_server) return mail_server.error().context("--mail-user");
  service::raise_descriptor_limit();
  service::set_signals();
  let_in(mail_server->uid);

  DaemonLink daemon(options.daemon_socket);
  MailLog mail_log(options.mail_log);
  const auto groups = groups_of(*account);
  LocalDomains local_domains;
  Status listening =
      listen_at(options, *mail_server, {&daemon, &mail_log, &local_domains, options.on_failure});
  if (!listening) return listening;
  // MailOriginMilterUser
  if (Status became = service::become(*account, groups); !became) return became;
  if (chdir("/") != 0) return system_error("/", errno);
  mail_log.begin();  // MailOriginMailLog

  const std::jthread presence([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      daemon.show_presence();
      std::this_thread::sleep_for(presence_interval);
    }
  });
  for (service::HandedOver& one : *handed_over) {
    if (one.name != "lifeline") continue;
    // Until httpd has gone.
    std::thread([lifeline = std::move(one.fd)] {
      pollfd end{lifeline.get(), POLLIN, 0};
      while (poll(&end, 1, -1) < 0 && errno == EINTR) {
      }
      stop_filter();
    }).detach();
  }
  return run_filter();
}

int run(int count, const char* const arguments[]) {
  const auto options = parse_options(count, arguments);
  if (const auto status = service::answer_options("mailorigin-milter", usage_text, options)) {
    return *status;
  }
  if (const Status served = serve(*options); !served) {
    service::print_notice({Notice::Level::error,
                           "MO0552: mailorigin-milter cannot go on: " + served.error().message});
    return 1;
  }
  return 0;
}

}  // namespace

}  // namespace mailorigin::milter

int main(int count, char* arguments[]) { return mailorigin::milter::run(count, arguments); }
