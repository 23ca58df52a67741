#include "fpm_plugin/pool.h"

#include <cerrno>
#include <string_view>

#include "fpm_plugin/php_api.h"

namespace mailorigin::php {

std::string fpm_pool_name() {
  if (std::string_view(sapi_module.name) != "fpm-fcgi") return {};
  // FPM exports nothing that names the pool; a worker's title does, which it writes upon its
  // arguments. /proc/PID/cmdline shows the same, where another user does not hold that directory's
  // lock.
  constexpr std::string_view title = "php-fpm: pool ";
  std::string_view name(program_invocation_name);
  if (!name.starts_with(title)) return {};
  name.remove_prefix(title.size());
  return std::string(name.substr(0, name.find_last_not_of(' ') + 1));
}

}  // namespace mailorigin::php
