#include "mod_mailorigin/code_in_httpd.h"

#include <string_view>

#include "core/text.h"

namespace mailorigin::httpd {

namespace {

struct Language {
  const char* file;             // of the module
  std::string_view directives;  // how those that name code begin
};
constexpr Language languages[] = {
    {"mod_lua.c", "Lua"}, {"mod_perl.c", "Perl"}, {"mod_python.c", "Python"}};

// Where AllowOverride allows anything, these directives may stand; else AllowOverrideList
// names them.
bool allows(const Language& language, ap_conf_vector_t* section) {
  const auto& settings = *static_cast<const core_dir_config*>(ap_get_core_module_config(section));
  if ((settings.override & OR_ALL) != 0) return true;
  if (settings.override_list == nullptr) return false;
  const apr_array_header_t* const listed = apr_table_elts(settings.override_list);
  for (int i = 0; i < listed->nelts; i++) {
    const std::string_view name = APR_ARRAY_IDX(listed, i, apr_table_entry_t).key;
    if (equal_ignoring_case(name.substr(0, language.directives.size()), language.directives)) {
      return true;
    }
  }
  return false;
}

bool htaccess_may_name_code(const Language& language, const server_rec* server) {
  const auto& core =
      *static_cast<const core_server_config*>(ap_get_core_module_config(server->module_config));
  for (int i = 0; core.sec_dir != nullptr && i < core.sec_dir->nelts; i++) {
    if (allows(language, APR_ARRAY_IDX(core.sec_dir, i, ap_conf_vector_t*))) return true;
  }
  return allows(language, server->lookup_defaults);
}

}  // namespace

std::string module_for_code_of_htaccess(const server_rec* main_server) {
  for (const Language& language : languages) {
    if (ap_find_linked_module(language.file) == nullptr) continue;
    const std::string_view file = language.file;
    for (const server_rec* server = main_server; server != nullptr; server = server->next) {
      if (htaccess_may_name_code(language, server)) {
        return std::string(file.substr(0, file.rfind('.')));
      }
    }
  }
  return "";
}

}  // namespace mailorigin::httpd
