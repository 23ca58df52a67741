// mailorigind: starts as root with its sockets, gives root up, and runs.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "core/own_procfs.h"
#include "mailorigind/daemon.h"
#include "mailorigind/inherited.h"
#include "mailorigind/options.h"
#include "service/limits.h"
#include "service/option_reader.h"
#include "service/privileges.h"
#include "service/signals.h"
#include "service/thread_share.h"

namespace mailorigin::daemon {

namespace {

Status serve(const Options& options) {
  const Status own_procfs = take_own_procfs();
  auto inherited = take_inherited();
  if (!inherited) return inherited.error();
  const auto key = service::read_key(options.runtime_directory);
  const std::size_t descriptor_limit = service::raise_descriptor_limit();
  const auto account = service::find_account(options.user);
  if (!account) return account.error();
  // MailOriginStateDir
  if (const Status made = service::prepare_state_directory(options.state_directory, *account);
      !made) {
    return made;
  }
  service::come_first();
  // MailOriginUser
  if (const Status became = service::become(*account); !became) return became;
  umask(077);
  if (chdir("/") != 0) return system_error("/", errno);

  const auto lock = service::lock_state_directory(options.state_directory, service::lock_patience);
  if (!lock) return lock.error();
  service::set_signals();
  auto daemon = Daemon::open(options.state_directory, options.runtime_directory,
                             *std::move(inherited), key, descriptor_limit);
  if (!daemon) return daemon.error();
  if (!own_procfs) {
    (*daemon)->notices().begins("procfs", Notice::Level::warning,
                                "MO0290: mailorigind has no /proc of its own (" +
                                    own_procfs.error().message +
                                    "): a tenant can keep it, and all who ask, waiting");
  }
  return (*daemon)->run();
}

int run(int count, const char* const arguments[]) {
  const auto options = parse_options(count, arguments);
  if (const auto status = service::answer_options("mailorigind", usage_text, options))
    return *status;
  if (const Status served = serve(*options); !served) {
    service::print_notice(
        {Notice::Level::error, "MO0201: cannot start: " + served.error().message});
    return 1;
  }
  return 0;
}

}  // namespace

}  // namespace mailorigin::daemon

int main(int count, char* arguments[]) { return mailorigin::daemon::run(count, arguments); }
