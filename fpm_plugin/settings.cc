#include "fpm_plugin/settings.h"

#include <sys/un.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "core/name_values.h"
#include "core/socket_paths.h"
#include "core/text.h"
#include "fpm_plugin/module_state.h"
#include "fpm_plugin/php_api.h"

namespace mailorigin::php {

namespace {

constexpr std::uint64_t longest_timeout_ms = 60'000;

bool is_one_of(std::string_view value, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return equal_ignoring_case(value, word); });
}

// Each take_ function stores an acceptable value and returns true.

bool take_enabled(std::string_view value, Settings& settings) {
  const bool on = is_one_of(value, {"1", "on", "yes", "true"});
  if (!on && !is_one_of(value, {"", "0", "off", "no", "false", "none"})) return false;
  settings.enabled = on;
  return true;
}

bool take_socket(std::string_view value, Settings& settings) {
  if (!value.starts_with('/') || value.size() >= sizeof(sockaddr_un::sun_path)) return false;
  if (value.find('\0') != std::string_view::npos) return false;
  settings.conduct.socket = value;
  return true;
}

bool take_allow_or_deny(std::string_view value, bool& allowed) {
  const bool allow = is_one_of(value, {"allow"});
  if (!allow && !is_one_of(value, {"deny"})) return false;
  allowed = allow;
  return true;
}

bool take_on_failure(std::string_view value, Settings& settings) {
  return take_allow_or_deny(value, settings.conduct.sends_without_daemon);
}

bool take_on_timeout(std::string_view value, Settings& settings) {
  return take_allow_or_deny(value, settings.conduct.sends_when_late);
}

bool take_milliseconds(std::string_view value, std::chrono::milliseconds& setting) {
  const auto milliseconds = parse_number(value, longest_timeout_ms);
  if (!milliseconds || *milliseconds == 0) return false;
  setting = std::chrono::milliseconds(*milliseconds);
  return true;
}

bool take_timeout(std::string_view value, Settings& settings) {
  return take_milliseconds(value, settings.conduct.patience.absent);
}

bool take_patience(std::string_view value, Settings& settings) {
  return take_milliseconds(value, settings.conduct.patience.late);
}

bool take_mailers(std::string_view value, Settings& settings) {
  if (value.find('\0') != value.npos) return false;
  std::vector<std::string> words;
  for (std::size_t begin = 0; begin < value.size();) {
    const std::size_t end = std::min(value.find_first_of(" \t\r\n", begin), value.size());
    if (end > begin) words.emplace_back(value.substr(begin, end - begin));
    begin = end + 1;
  }
  settings.mailers = std::move(words);
  return true;
}

// A request can carry PHP_ADMIN_VALUE, which reaches system settings at the
// stage at which a pool's php_admin_value does; only then is there a request.
bool may_be_set(int stage) {
  return stage == ZEND_INI_STAGE_STARTUP ||
         (stage == ZEND_INI_STAGE_ACTIVATE && SG(server_context) == nullptr);
}

template <bool (*take)(std::string_view, Settings&)>
ZEND_INI_MH(on_modify) {
  (void)mh_arg2, (void)mh_arg3;
  if (!may_be_set(stage)) return FAILURE;
  const std::string_view value =
      new_value ? std::string_view(ZSTR_VAL(new_value), ZSTR_LEN(new_value)) : std::string_view();
  try {
    if (take(value, module_state().settings)) return SUCCESS;
  } catch (...) {  // no memory
    return FAILURE;
  }
  zend_error(E_CORE_WARNING, "MO0302: %s: \"%.*s\" is not accepted: it takes %s; the %s is used",
             ZSTR_VAL(entry->name), static_cast<int>(std::min<std::size_t>(value.size(), 200)),
             value.data() ? value.data() : "", static_cast<const char*>(mh_arg1),
             stage == ZEND_INI_STAGE_STARTUP ? "default" : "value set before");
  return FAILURE;
}

char accepted_enabled[] = "0 or 1";
char accepted_socket[] = "an absolute path of at most 107 bytes";
char accepted_allow[] = "allow or deny";
char accepted_mailers[] = "namespaces, classes, functions and parts of paths";
char accepted_milliseconds[] = "milliseconds from 1 to 60000";

// clang-format off
PHP_INI_BEGIN()
  PHP_INI_ENTRY1("mailorigin.enabled", "1", PHP_INI_SYSTEM, on_modify<take_enabled>, accepted_enabled)
  PHP_INI_ENTRY1("mailorigin.socket", default_question_socket, PHP_INI_SYSTEM, on_modify<take_socket>, accepted_socket)
  PHP_INI_ENTRY1("mailorigin.on_failure", "allow", PHP_INI_SYSTEM, on_modify<take_on_failure>, accepted_allow)
  PHP_INI_ENTRY1("mailorigin.timeout_ms", "250", PHP_INI_SYSTEM, on_modify<take_timeout>, accepted_milliseconds)
  PHP_INI_ENTRY1("mailorigin.on_timeout", "deny", PHP_INI_SYSTEM, on_modify<take_on_timeout>, accepted_allow)
  PHP_INI_ENTRY1("mailorigin.patience_ms", "5000", PHP_INI_SYSTEM, on_modify<take_patience>, accepted_milliseconds)
  PHP_INI_ENTRY1("mailorigin.mailers", "", PHP_INI_SYSTEM, on_modify<take_mailers>, accepted_mailers)
PHP_INI_END()
// clang-format on

}  // namespace

void register_settings(int type, int module_number) {
  register_ini_entries(ini_entries, type, module_number);
}

void unregister_settings(int type, int module_number) {
  unregister_ini_entries(type, module_number);
}

}  // namespace mailorigin::php
