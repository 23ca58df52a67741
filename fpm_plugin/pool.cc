#include "fpm_plugin/pool.h"

#include <fcntl.h>
#include <unistd.h>

#include <string_view>

#include "core/fd.h"
#include "fpm_plugin/php_api.h"

namespace mailorigin {

std::string fpm_pool_name() {
  // FPM exports nothing that names the pool; a worker's process title does.
  constexpr std::string_view title = "php-fpm: pool ";
  if (std::string_view(sapi_module.name) != "fpm-fcgi") return {};
  const Fd file(open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC));
  char text[256];
  const ssize_t length = file ? read(file.get(), text, sizeof text) : -1;
  if (length <= 0) return {};
  std::string_view name(text, static_cast<std::size_t>(length));
  name = name.substr(0, name.find('\0'));
  if (!name.starts_with(title)) return {};
  name.remove_prefix(title.size());
  return std::string(name.substr(0, name.find_last_not_of(' ') + 1));
}

}  // namespace mailorigin
