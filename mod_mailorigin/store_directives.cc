#include "mod_mailorigin/store_directives.h"

#include <sys/stat.h>

#include <string>
#include <string_view>

#include "mod_mailorigin/directive.h"

namespace mailorigin::httpd {

namespace {

const char* set_file(cmd_parms* cmd, const char* argument, StoreChoice& store) {
  const char* const path = path_of(cmd, argument);
  if (path == nullptr) return wrong(cmd, "'" + std::string(argument) + "' is not a path");
  const std::string file = path;
  const std::string directory = file.substr(0, file.rfind('/') + 1);
  struct stat status {};
  if (stat(directory.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) {
    return wrong(cmd,
                 "there is no directory " + directory + "; make it, and give it to MailOriginUser");
  }
  if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
    return wrong(cmd, "'" + file + "' is no file; a database of SQLite is one");
  }
  store.params = path;
  return nullptr;
}

}  // namespace

// MailOriginStore
const char* set_store(cmd_parms* cmd, const char* driver, const char* params) {
  auto* const store = pool_new<StoreChoice>(cmd->pool);
  store->driver = apr_pstrdup(cmd->pool, driver);
  const std::string_view name = driver;
  if (params == nullptr) {
    if (!ap_cstr_casecmp(driver, "Off")) {
      store->driver = "";
      server_target_of(cmd).store = store;
      return nullptr;
    }
    return wrong(cmd, "'" + std::string(name) +
                          "' is neither Off nor followed by its parameters: sqlite3 \"file\", or "
                          "pgsql \"host=... dbname=...\"");
  }
  if (name == "sqlite3") {
    if (const char* refused = set_file(cmd, params, *store)) return refused;
  } else if (name == "pgsql") {
    store->params = apr_pstrdup(cmd->pool, params);
  } else {
    return wrong(cmd, "'" + std::string(name) +
                          "' is none of the drivers of apr_dbd that are accepted: sqlite3, pgsql");
  }
  server_target_of(cmd).store = store;
  return nullptr;
}

// MailOriginRetain
const char* set_retention(cmd_parms* cmd, const char* argument) {
  const auto days = parse_days(argument);
  if (!days) return wrong(cmd, days.error().message);
  server_target_of(cmd).retained_days = *days;
  return nullptr;
}

}  // namespace mailorigin::httpd
