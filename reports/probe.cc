#include "reports/probe.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <string_view>
#include <utility>

#include "core/fd.h"
#include "core/probe.h"
#include "core/socket_paths.h"
#include "reports/fastcgi.h"
#include "reports/fields.h"
#include "reports/findings.h"

namespace mailorigin::reports {

using nlohmann::json;

namespace {

constexpr std::chrono::seconds patience{5};  // of each pool

// Calls mail() only where that must ask: an extension of this version does not let this recipient
// pass, whatever it is answered.
constexpr std::string_view script = R"(<?php
// mailorigin status --probe
header('Content-Type: application/json');
$said = ['version' => phpversion('mailorigin'), 'enabled' => (bool)ini_get('mailorigin.enabled'),
         'socket' => (string)ini_get('mailorigin.socket'), 'mail' => function_exists('mail')];
if ($said['version'] === $_SERVER['PROBE_VERSION'] && $said['enabled'] && $said['mail']
    && $said['socket'] === $_SERVER['PROBE_SOCKET']) {
    $said['sent'] = @mail($_SERVER['PROBE_RECIPIENT'], 'mailorigin status --probe', '');
    $said['warning'] = error_get_last()['message'] ?? '';
}
echo json_encode($said, JSON_PARTIAL_OUTPUT_ON_ERROR | JSON_INVALID_UTF8_SUBSTITUTE);
)";

// In the runtime directory, which every pool reaches that reaches the socket there.
class ScriptFile {
 public:
  explicit ScriptFile(const std::string& directory) : path_(directory + "/probe-XXXXXX.php") {
    constexpr int suffix = 4;
    const Fd file(mkostemps(path_.data(), suffix, O_CLOEXEC));
    made_ = static_cast<bool>(file);
    written_ =
        made_ && fchmod(file.get(), 0444) == 0 &&
        write(file.get(), script.data(), script.size()) == static_cast<ssize_t>(script.size());
    if (!written_) fault_ = errno;
  }
  ~ScriptFile() {
    if (made_) unlink(path_.c_str());
  }
  ScriptFile(const ScriptFile&) = delete;
  ScriptFile& operator=(const ScriptFile&) = delete;

  [[nodiscard]] Status status() const {
    if (written_) return Done{};
    return system_error("cannot write the probe's script " + path_, fault_);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
  bool made_ = false;
  bool written_ = false;
  int fault_ = 0;
};

}  // namespace

ProbeResult probe_result(const Result<std::string>& answer, const std::string& socket) {
  if (!answer) return {"unreachable", answer.error().message};
  const std::size_t body = answer->find("\r\n\r\n");
  const json said = body == std::string::npos
                        ? json()
                        : json::parse(answer->substr(body + 4), nullptr, /*exceptions*/ false);
  if (!said.is_object() || !said.contains("version")) {
    return {"unseen", "its PHP does not run the probe's script (" +
                          answer->substr(0, answer->find_first_of("\r\n")) +
                          "): a chroot or open_basedir, or it is no PHP"};
  }
  const std::string version = text_at(said, "version");
  if (version.empty()) return {"no-extension", "its PHP runs without the extension"};
  if (version != MAILORIGIN_VERSION) {
    return {"other-version",
            "its extension is of version " + version + ", and this is " MAILORIGIN_VERSION};
  }
  if (!flag_at(said, "enabled")) return {"disabled", "mailorigin.enabled is 0 in it"};
  if (!flag_at(said, "mail")) return {"no-mail", "mail() is disabled in it"};
  if (const std::string other = text_at(said, "socket"); other != socket) {
    struct stat about {};
    if (lstat(other.c_str(), &about) == 0) {
      return {"other-socket", "it asks at " + other + ", not at " + socket +
                                  ": MailOriginSocket's, or another mailorigind's"};
    }
    return {"no-socket", "it asks at " + other + ", where nothing is"};
  }
  const std::string warning = text_at(said, "warning");
  const auto says = [&](std::string_view reason) {
    return !flag_at(said, "sent") && warning.find(": " + std::string(reason)) != std::string::npos;
  };
  if (says(probe_reason)) return {"well", "it asks"};
  if (says(unjudged_reason)) return {"off", "it asks, and MailOrigin is Off for its user"};
  return {"unanswered", warning.empty() ? "mail() does not say why it failed" : warning};
}

Result<std::vector<PoolProbe>> probe_pools(const std::vector<FpmMaster>& masters,
                                           const std::string& runtime_directory) {
  const ScriptFile file(runtime_directory);
  if (const Status written = file.status(); !written) return written.error();
  const std::string socket = question_socket(runtime_directory);
  const FastcgiParams params = {
      {"SCRIPT_FILENAME", file.path()}, {"SCRIPT_NAME", "/probe.php"},
      {"REQUEST_URI", "/probe.php"},    {"REQUEST_METHOD", "GET"},
      {"SERVER_PROTOCOL", "HTTP/1.1"},  {"PROBE_VERSION", MAILORIGIN_VERSION},
      {"PROBE_SOCKET", socket},         {"PROBE_RECIPIENT", std::string(probe_recipient)}};
  std::vector<PoolProbe> probes;
  for (const FpmMaster& master : masters) {
    for (const FpmPool& pool : master.pools) {
      probes.push_back(
          {master.program, pool, probe_result(ask_fastcgi(pool.listen, params, patience), socket)});
    }
  }
  return probes;
}

void check_probes(const std::vector<PoolProbe>& probes, json& findings) {
  constexpr std::pair<std::string_view, const char*> remedies[] = {
      {"unreachable", "is it busy or stopped? See its log, and listen in its configuration"},
      {"no-extension", "phpenmod mailorigin for that PHP, and restart its php-fpm"},
      {"other-version", "restart its php-fpm; where that does not help, install the same version"},
      {"disabled", "mailorigin.enabled = 1 in php.ini and in the pool, and restart its php-fpm"},
      {"no-socket", "mailorigin.socket in php.ini or the pool; or MailOriginSocket for that path"},
      {"unanswered", "may its user reach the socket, and is mailorigind on the same host?"}};
  for (const auto& [program, pool, result] : probes) {
    for (const auto& [word, remedy] : remedies) {
      if (result.word != word) continue;
      findings.push_back(finding(
          "php", "pool " + pool.name + " (" + program + ", " + pool.listen + "): " + result.text,
          remedy));
    }
  }
}

}  // namespace mailorigin::reports
