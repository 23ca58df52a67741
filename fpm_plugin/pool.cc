#include "fpm_plugin/pool.h"

#include <fcntl.h>
#include <unistd.h>

#include <string_view>

#include "core/fd.h"
#include "fpm_plugin/php_api.h"

namespace mailorigin::php {

namespace {

// Of this worker, which stays in its pool; empty until it has been read. A plain
// array: nothing to be destroyed when PHP unloads us.
char name_of_pool[256];

void read_name_of_pool() {
  // FPM exports nothing that names the pool; a worker's process title does.
  constexpr std::string_view title = "php-fpm: pool ";
  const Fd file(open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC));
  char text[sizeof name_of_pool];
  const ssize_t length = file ? read(file.get(), text, sizeof text) : -1;
  if (length <= 0) return;
  std::string_view name(text, static_cast<std::size_t>(length));
  name = name.substr(0, name.find('\0'));
  if (!name.starts_with(title)) return;
  name.remove_prefix(title.size());
  name = name.substr(0, name.find_last_not_of(' ') + 1);
  name_of_pool[name.copy(name_of_pool, sizeof name_of_pool - 1)] = '\0';
}

}  // namespace

std::string fpm_pool_name() {
  if (std::string_view(sapi_module.name) != "fpm-fcgi") return {};
  if (name_of_pool[0] == '\0') read_name_of_pool();
  return name_of_pool;
}

}  // namespace mailorigin::php
