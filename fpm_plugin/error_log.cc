#include "fpm_plugin/error_log.h"

#include <fcntl.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <string>

#include "core/fd.h"
#include "core/month_names.h"
#include "fpm_plugin/function_hook.h"
#include "fpm_plugin/php_api.h"

namespace mailorigin::php {

namespace {

bool is_finished = false;  // this request; no SAPI with threads has the function

void handle_finish(INTERNAL_FUNCTION_PARAMETERS);

FunctionHook finish_hook{"fastcgi_finish_request", handle_finish};

void handle_finish(INTERNAL_FUNCTION_PARAMETERS) {
  is_finished = true;
  finish_hook.original(INTERNAL_FUNCTION_PARAM_PASSTHRU);
}

// What php.ini or the pool says, and not what .user.ini or ini_set() made of it.
const char* administrators_error_log() {
  const char* const file = original_setting_text("error_log");
  return file && *file ? file : nullptr;
}

// As PHP begins its own lines, "[21-Nov-2026 12:00:00 UTC] ".
std::string head() {
  const time_t now = time(nullptr);
  tm utc{};
  gmtime_r(&now, &utc);
  char text[64];
  snprintf(text, sizeof text, "[%02d-%s-%d %02d:%02d:%02d UTC] ", utc.tm_mday,
           month_names[static_cast<std::size_t>(utc.tm_mon)].data(), utc.tm_year + 1900,
           utc.tm_hour, utc.tm_min, utc.tm_sec);
  return text;
}

bool append_to_file(const char* name, std::string_view line) {
  std::string text = head();
  text += line;
  text += '\n';
  const Fd file(open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0644));
  return file && write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// Whether somebody reads what the server is told: a command line's standard error
// may be closed.
bool server_listens() {
  if (is_finished) return false;
  const std::string_view sapi(sapi_module.name);
  const bool is_command = sapi == "cli" || sapi == "phpdbg" || sapi == "embed";
  return sapi_module.log_message && (!is_command || fcntl(STDERR_FILENO, F_GETFD) != -1);
}

}  // namespace

bool log_for_administrator(std::string_view line) {
  const char* const file = administrators_error_log();
  // error_log = syslog has been tried by whoever comes here.
  if (file && std::string_view(file) != "syslog" && append_to_file(file, line)) return true;
  if (!server_listens()) return false;
  sapi_module.log_message(std::string(line).data(), LOG_WARNING);
  return true;
}

void watch_end_of_request() {
  is_finished = false;
  install(finish_hook);
}

void stop_watching_end_of_request() { remove(finish_hook); }

}  // namespace mailorigin::php
