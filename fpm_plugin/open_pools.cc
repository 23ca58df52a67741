#include "fpm_plugin/open_pools.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <syslog.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>

#include "client/syslog.h"
#include "fpm_plugin/opcache.h"
#include "fpm_plugin/php_api.h"
#include "fpm_plugin/pool.h"
#include "fpm_plugin/settings.h"

namespace mailorigin::php {

namespace {

// Hashes of the pools that were spoken of, in memory that all workers share.
// More pools than this are not warned of: one who reads the first lines knows.
struct WarnedPools {
  std::atomic<std::size_t> hashes[512];
};

WarnedPools* warned = nullptr;
bool is_checked = false;  // in this worker

bool is_first_of_its_pool(std::string_view pool) {
  if (!warned) return true;
  const std::size_t hash = std::hash<std::string_view>()(pool) | 1;
  for (auto& entry : warned->hashes) {
    std::size_t found = 0;
    if (entry.compare_exchange_strong(found, hash)) return true;
    if (found == hash) return false;
  }
  return false;
}

bool writes_opcodes_of_files() {
  const char* const directory = setting_text("opcache.file_cache");
  return setting_number("opcache.enable") != 0 && directory && *directory &&
         access(directory, W_OK) == 0;
}

// "preload" leaves it to the scripts that the administrator preloads.
bool has_ffi() {
  const char* const enabled = setting_text("ffi.enable");
  return enabled && std::atoi(enabled) == 1;
}

// By what its scripts are more than scripts; null: by nothing.
const char* opening() {
  if (prctl(PR_GET_DUMPABLE) == 1) {
    return "its workers' memory is open to its own scripts (process.dumpable = yes, or a php-fpm "
           "that root did not start)";
  }
  if (has_ffi()) return "its scripts call native code (ffi.enable)";
  if (writes_opcodes_of_files()) {
    return "its scripts can write the compiled code that opcache reads (opcache.file_cache)";
  }
  return nullptr;
}

// False if there is nothing to say; else the text is in `text`. A pool has one warning.
bool compose_warning(char* text, std::size_t size) noexcept {
  try {
    const char* const why = opening();
    const bool shares_code = !why && shares_code_between_roots();
    if (!why && !shares_code) return false;
    const std::string pool = fpm_pool_name();
    if (!is_first_of_its_pool(pool)) return false;
    if (why) {
      const bool has_opcache = setting_number("opcache.enable") != 0;
      snprintf(
          text, size,
          "MO0304: pool '%.100s': %s: what is recorded of their mail can be forged, except for "
          "host, request and uid%s",
          pool.c_str(), why,
          has_opcache ? "; and opcache's memory, open to them, has the code of all pools" : "");
    } else {
      const std::string name = pool.empty() ? "the pool" : "pool '" + pool + '\'';
      snprintf(text, size,
               "MO0310: %.110s of uid %u is in a chroot, and opcache does not tell its paths from "
               "those of other pools: where two have a file of the same path, it runs the code of "
               "the one that was asked for first, perhaps another user's. Set "
               "opcache.validate_root = 1 in php.ini, and restart php-fpm",
               name.c_str(), static_cast<unsigned>(geteuid()));
    }
    return true;
  } catch (...) {  // no memory: another worker will say it
    return false;
  }
}

}  // namespace

void prepare_open_pool_warning() {
  if (std::string_view(sapi_module.name) != "fpm-fcgi") return;
  void* const shared =
      mmap(nullptr, sizeof(WarnedPools), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  // Without it, each worker speaks for itself. Zeroed pages are what they begin with.
  warned = shared == MAP_FAILED ? nullptr : static_cast<WarnedPools*>(shared);
}

void forget_open_pool_warning() {
  if (warned) munmap(warned, sizeof(WarnedPools));
  warned = nullptr;
}

void warn_if_pool_is_open() {
  // php-fpm -v and -i begin a request of their own, for no pool.
  if (is_checked || !SG(server_context)) return;
  is_checked = true;
  if (std::string_view(sapi_module.name) != "fpm-fcgi") return;
  char text[500];
  if (!compose_warning(text, sizeof text)) return;
  php_log_err_with_severity(text, LOG_WARNING);
  client::log_line(program_name, text);
}

}  // namespace mailorigin::php
