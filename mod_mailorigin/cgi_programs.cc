#include "mod_mailorigin/cgi_programs.h"

#include <apr_fnmatch.h>
#include <sys/stat.h>

#include <algorithm>

#include "mod_mailorigin/place.h"

namespace mailorigin::httpd {

namespace {

const core_dir_config* core_of(ap_conf_vector_t* settings) {
  return static_cast<const core_dir_config*>(ap_get_core_module_config(settings));
}

const core_server_config* core_of(const server_rec* server) {
  return static_cast<const core_server_config*>(ap_get_core_module_config(server->module_config));
}

std::vector<const core_dir_config*> sections_of(const apr_array_header_t* sections) {
  std::vector<const core_dir_config*> all;
  for (int i = 0; sections != nullptr && i < sections->nelts; i++) {
    all.push_back(core_of(APR_ARRAY_IDX(sections, i, ap_conf_vector_t*)));
  }
  return all;
}

std::string without_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

bool is_in(const std::string& path, const std::string& directory) {
  return directory == "/" || path == directory || path.starts_with(directory + '/');
}

// Whether a <Directory> section applies to a directory.
bool applies(const core_dir_config& section, const std::string& path) {
  if (section.r != nullptr) return ap_regexec(section.r, (path + '/').c_str(), 0, nullptr, 0) == 0;
  if (section.d == nullptr) return false;
  const std::string wanted = without_slash(section.d);
  if (!section.d_is_fnmatch) return is_in(path, wanted);
  for (std::size_t end = path.size(); end > 0 && end != std::string::npos;
       end = path.rfind('/', end - 1)) {
    const std::string part = path.substr(0, end);
    if (apr_fnmatch(wanted.c_str(), part.c_str(), APR_FNM_PATHNAME) == APR_SUCCESS) return true;
  }
  return false;
}

// As httpd merges them: short paths first, expressions last.
const core_dir_config* settings_in(apr_pool_t* pool, const server_rec* server,
                                   const std::string& path) {
  auto sections = sections_of(core_of(server)->sec_dir);
  const auto place = [](const core_dir_config* section) {
    return section->r != nullptr ? UINT32_MAX : section->d_components;
  };
  std::stable_sort(sections.begin(), sections.end(),
                   [&](const auto* one, const auto* other) { return place(one) < place(other); });
  const core_dir_config* merged = core_of(server->lookup_defaults);
  for (const core_dir_config* section : sections) {
    if (!applies(*section, path)) continue;
    merged = static_cast<const core_dir_config*>(core_module.merge_dir_config(
        pool, const_cast<core_dir_config*>(merged), const_cast<core_dir_config*>(section)));
  }
  return merged;
}

std::string way_in(const core_dir_config& settings, int runs_programs, const std::string& where) {
  const int set = settings.opts & runs_programs;
  if ((set & OPT_EXECCGI) != 0) return "Options ExecCGI in " + where;
  if ((set & OPT_INC_WITH_EXEC) != 0) return "Options Includes in " + where;
  const bool may_set_options = (settings.override & OR_OPTIONS) != 0 ||
                               (settings.override_list != nullptr &&
                                apr_table_get(settings.override_list, "Options") != nullptr);
  if (may_set_options && (settings.override_opts & runs_programs) != 0) {
    return "AllowOverride Options in " + where;
  }
  return "";
}

bool is_roots(const char* path) {
  struct stat about {};
  return stat(path, &about) != 0 || about.st_uid == 0;
}

std::string place_of(const char* file, unsigned line) {
  return Place{file != nullptr ? file : "", line}.text();
}

}  // namespace

CgiPrograms::CgiPrograms(apr_pool_t* pool, const ap_directive_t* tree)
    : pool_(pool),
      has_cgi_(ap_find_linked_module("mod_cgi.c") != nullptr ||
               ap_find_linked_module("mod_cgid.c") != nullptr),
      has_fcgid_(ap_find_linked_module("mod_fcgid.c") != nullptr) {
  if (has_cgi_) collect(tree, "");
}

void CgiPrograms::collect(const ap_directive_t* tree, const std::string& host) {
  for (const ap_directive_t* node = tree; node != nullptr; node = node->next) {
    if (strncasecmp(node->directive, "ScriptAlias", 11) == 0) {
      const char* arguments = node->args;
      const char* target = ap_getword_conf(pool_, &arguments);
      if (*arguments != '\0') target = ap_getword_conf(pool_, &arguments);
      targets_[host].emplace_back(target);
    }
    if (node->first_child == nullptr) continue;
    const bool is_host = strcasecmp(node->directive, "<VirtualHost") == 0;
    collect(node->first_child,
            is_host ? place_of(node->filename, static_cast<unsigned>(node->line_num)) : host);
  }
}

// To a directory that is not root's.
std::string CgiPrograms::script_alias(const std::string& host, const std::string& docroot) const {
  const auto found = targets_.find(host);
  if (found == targets_.end()) return "";
  for (const std::string& target : found->second) {
    if (!is_roots(target.c_str()) || is_in(target, docroot)) return "ScriptAlias to " + target;
  }
  return "";
}

std::string CgiPrograms::way_of(const server_rec* server, const std::string& docroot) const {
  if (!has_cgi_ && !has_fcgid_) return "";
  // SSI's exec is mod_cgi's.
  const int runs_programs = OPT_EXECCGI | (has_cgi_ ? OPT_INC_WITH_EXEC : 0);
  const std::string root = without_slash(docroot);
  std::vector<std::string> directories = {root};
  for (const core_dir_config* section : sections_of(core_of(server)->sec_dir)) {
    if (section->r != nullptr || section->d == nullptr || section->d_is_fnmatch) continue;
    const std::string directory = without_slash(section->d);
    if (directory != root && is_in(directory, root)) directories.push_back(directory);
  }
  for (const std::string& directory : directories) {
    std::string way = way_in(*settings_in(pool_, server, directory), runs_programs, directory);
    if (!way.empty()) return way;
  }
  for (const core_dir_config* section : sections_of(core_of(server)->sec_url)) {
    if (((section->opts | section->opts_add) & runs_programs) == 0) continue;
    return "Options in <Location " + std::string(section->d != nullptr ? section->d : "") + '>';
  }
  std::string way = script_alias("", root);
  if (!way.empty()) return way;
  return script_alias(place_of(server->defn_name, server->defn_line_number), root);
}

}  // namespace mailorigin::httpd
