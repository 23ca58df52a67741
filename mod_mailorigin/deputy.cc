#include "mod_mailorigin/deputy.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <string_view>
#include <utility>

#include "client/asker.h"
#include "core/event.h"
#include "core/file.h"
#include "core/random.h"
#include "core/text.h"
#include "core/wire/deputing.h"
#include "mod_mailorigin/configuration.h"
#include "mod_mailorigin/deputy_cause.h"
#include "mod_mailorigin/request.h"

namespace mailorigin::httpd {

namespace {

using namespace std::chrono_literals;

// More than a busy machine takes, less than a visitor waits.
constexpr client::Patience visitors_patience{100ms, 2s};
constexpr client::Patience no_patience{0ms, 0ms};
constexpr std::size_t htaccess_limit = 256 << 10;  // of a file, to look for a line in

// Looked up as the module is loaded: another user can hold the lock of /proc/PID, and would so
// take the thread of whoever looks below it.
std::string program_path() {
  char path[PATH_MAX];
  const ssize_t size = readlink("/proc/self/exe", path, sizeof path);
  return size > 0 ? std::string(path, static_cast<std::size_t>(size)) : std::string();
}
const std::string program = program_path();

// As httpd opens it: it is no more than httpd's user may open anyway.
Fd open_htaccess(const std::string& path) {
  return Fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
}

void find_cause(request_rec* request, const DeputedDestination& destination, Event& connection) {
  const auto* const core = static_cast<const core_server_config*>(
      ap_get_core_module_config(request->server->module_config));
  const char* const names = core->access_name != nullptr ? core->access_name : DEFAULT_ACCESS_FNAME;
  CauseSearch search(destination.host, destination.port);
  for (const htaccess_result* each = request->htaccess; each != nullptr; each = each->next) {
    if (each->htaccess == nullptr) continue;
    // As httpd does: the first that is there. Each is told of, also where it can be read no more.
    std::string path;
    Fd file;
    for (const char* rest = names; !file && *rest != '\0';) {
      path = std::string(each->dir) + ap_getword_conf(request->pool, &rest);
      file = open_htaccess(path);
    }
    const auto text = file ? read_file(file.get(), htaccess_limit) : Result<std::string>("");
    search.read(path, text ? *text : std::string());
  }
  if (search.file().empty()) return;
  connection.set(Field::file, search.file());
  if (search.line() == 0) return;
  connection.set(Field::line, search.line());
  connection.set(Field::caller, std::string(search.file()) + ':' + std::to_string(search.line()));
}

// The word that the kernel's programs have for it.
std::string_view reason_of(const SmtpVerdict& judged) {
  const std::string_view directive = judged.directive;
  if (directive == "MailOriginSmtpLocal") return "smtp-local";
  return directive == "MailOriginSmtpAllow" ? "smtp-allow" : "smtp";
}

client::Reply ask(const DaemonSettings& daemon, const DeputedConnection& deputed,
                  const SealKey& key, client::Patience patience) {
  const std::string packet = encode_deputed(deputed, key);
  client::Reply reply;
  for (const SocketDirective& socket : daemon.sockets) {
    // Its own connection: these are few, and threads share no Asker.
    reply = client::Asker().exchange(socket.path, packet, deputed.nonce, patience);
    // The way to one socket may be closed to httpd's user, and another one's not.
    if (reply.answer || reply.none.why != client::Silence::unreachable) break;
  }
  return reply;
}

}  // namespace

Told tell_of_connection(request_rec* request, const DeputedDestination& destination,
                        const SmtpVerdict& judged, Verdict verdict, bool has_waited_in_vain) {
  const Configuration& configuration = *config_of(request->server).vhost->configuration;
  DeputedConnection deputed;
  random_bytes(deputed.nonce.data(), deputed.nonce.size());
  deputed.request = deputy_context(request);
  Event& connection = deputed.connection;
  connection.set(Field::verdict, verdict_name(verdict));
  connection.set(Field::reason, reason_of(judged));
  connection.set(Field::dst, destination.address);
  connection.set(Field::dst_port, std::uint64_t{destination.port});
  connection.set(Field::exe, program);
  find_cause(request, destination, connection);

  Told told;
  told.cause =
      connection.has(Field::caller) ? connection.get(Field::caller) : connection.get(Field::file);
  const client::Reply reply = ask(configuration.daemon, deputed, configuration.keys->current,
                                  has_waited_in_vain ? no_patience : visitors_patience);
  if (!reply.answer) {
    told.missing = reply.none.cause;
    told.may_be_blocked =
        reply.none.why == client::Silence::late || reply.none.why == client::Silence::exhausted;
    return told;
  }
  told.is_blocked = reply.answer->verdict == Verdict::deny && reply.answer->reason == "blocked";
  if (reply.answer->recorded) {
    told.event = one_line(reply.answer->id);
  } else {
    told.missing = reply.answer->explanation.empty() ? "mailorigind cannot write its journal"
                                                     : one_line(reply.answer->explanation);
  }
  return told;
}

}  // namespace mailorigin::httpd
