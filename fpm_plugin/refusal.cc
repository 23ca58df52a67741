#include "fpm_plugin/refusal.h"

#include <syslog.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <string_view>
#include <utility>

#include "fpm_plugin/module_state.h"
#include "fpm_plugin/php_api.h"
#include "fpm_plugin/stack.h"

namespace mailorigin::php {

namespace {

using client::Outcome;

constexpr const char* mark = "Refused by MailOrigin: ";

std::atomic<bool> is_watching = false;
decltype(sapi_module.log_message) server_log = nullptr;

void noting_log(SapiText message, int level) {
  ModuleState& state = module_state();
  if (state.refusal && std::strstr(message, state.refusal)) state.refusal_is_logged = true;
  server_log(message, level);
}

// Of a mail that nobody was asked about.
const char* explanation(std::string_view reason) {
  if (reason == "late") return "late, the recorder did not answer in time";
  if (reason == "exhausted") return "exhausted, no descriptor or memory is left to ask or to send";
  if (reason == "unwritable") return "unwritable, the recorder cannot write its journal";
  if (reason == "unlogged") return "unlogged, there is no recorder, and no log takes its line";
  return "the recorder cannot be reached";
}

// Without a character that PHP escapes where html_errors is on.
void write_refusal(const Outcome& outcome, char* text, std::size_t size) {
  if (outcome.kind == Outcome::Kind::unasked) {
    snprintf(text, size, "%s%s", mark, explanation(outcome.reason));
    return;
  }
  const char* const id = outcome.event_id.c_str();
  // Each of these is short, and so is what stands before and behind them.
  char event[96] = "";
  char when[64] = "";
  if (*id) snprintf(event, sizeof event, " (event %s)", id);
  if (outcome.retry_after > 0) {
    snprintf(when, sizeof when, ", the next may leave in " ZEND_ULONG_FMT " s",
             static_cast<zend_ulong>(outcome.retry_after));
  }
  // A block's, whose administrator has no such character in mind.
  char why[explanation_limit + 1] = "";
  snprintf(why, sizeof why, "%s", outcome.explanation.c_str());
  for (char* at = why; *at; at++) {
    if (std::strchr("<>&\"'", *at) || static_cast<unsigned char>(*at) >= 0x80) *at = '.';
  }
  snprintf(text, size, "%s%s%s%s%s%s", mark, outcome.reason.c_str(), event, when, *why ? "; " : "",
           why);
}

void log_to_server(const char* function, const char* refusal, const ScriptLine& here) {
  char text[2048];
  snprintf(text, sizeof text, "MO0305: %s(): %s in %.*s on line %u", function, refusal,
           static_cast<int>(std::min<std::size_t>(here.file.size(), 1024)), here.file.data(),
           here.line);
  server_log(text, LOG_WARNING);
}

}  // namespace

// Only plain data is alive while the warning is raised: a script's handler may throw
// or exit.
void report_refusal(const char* function, const Outcome& outcome) {
  ModuleState& state = module_state();
  char refusal[640];
  write_refusal(outcome, refusal, sizeof refusal);
  const ScriptLine here = executed_line();
  // The script's handler may have another mail refused.
  const char* const outer = std::exchange(state.refusal, refusal);
  const bool outer_is_logged = std::exchange(state.refusal_is_logged, false);
  bool has_left = false;
  zend_try { php_error_docref(nullptr, E_WARNING, "%s", refusal); }
  zend_catch { has_left = true; }
  zend_end_try();
  state.refusal = outer;
  const bool is_logged = std::exchange(state.refusal_is_logged, outer_is_logged);
  if (is_watching && !is_logged) log_to_server(function, refusal, here);
  if (has_left) zend_bailout();
}

void watch_server_log() {
  const std::string_view sapi(sapi_module.name);
  // A command line's standard error is no server's log.
  if (sapi != "fpm-fcgi" && sapi != "apache2handler" && sapi != "cgi-fcgi") return;
  if (!sapi_module.log_message || is_watching.exchange(true)) return;
  server_log = sapi_module.log_message;
  sapi_module.log_message = noting_log;
}

void stop_watching_server_log() {
  if (!is_watching.exchange(false)) return;
  if (sapi_module.log_message == noting_log) sapi_module.log_message = server_log;
}

}  // namespace mailorigin::php
