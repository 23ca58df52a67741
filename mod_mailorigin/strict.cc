#include "mod_mailorigin/strict.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

#include "core/loads_code.h"
#include "mod_mailorigin/request_record.h"

APLOG_USE_MODULE(mailorigin);

namespace mailorigin::httpd {

// A request after httpd has put its configuration together, in the request's pool.
struct BeforeHtaccess {
  const char* uri;  // compared by address
  const char* filename;
  apr_finfo_t file;
  apr_table_t* environment;  // of the server's own configuration alone
  bool has_htaccess;
  // Of a subrequest: the record of the request around it, and the next in that one's list.
  RequestRecord* around;
  BeforeHtaccess* next;
};

namespace {

// Parameters by which a request changes the settings of a php-fpm worker, and variables by which
// a program finds its php.ini or has code loaded into it, besides code_loading_variables.
constexpr std::string_view settings_names[] = {"PHP_VALUE",        "PHP_ADMIN_VALUE", "PHPRC",
                                               "PHP_INI_SCAN_DIR", "LD_AUDIT",        "LD_PRELOAD",
                                               "LD_LIBRARY_PATH"};
constexpr std::string_view proxy_prefix = "proxy:";
constexpr int walks[] = {AP_NOTE_DIRECTORY_WALK, AP_NOTE_LOCATION_WALK, AP_NOTE_FILE_WALK,
                         AP_NOTE_IF_WALK};

// Marks a request that is none; and what its walks refuse is nobody's error.
constexpr ap_logconf silent = {nullptr, APLOG_EMERG};

template <class Visit>
void each_setting(Visit visit) {
  for (const std::string_view name : settings_names) visit(name.data());
  for (const std::string_view name : code_loading_variables) visit(name.data());
}

bool mentions_settings(const char* arguments) {
  bool mentioned = false;
  each_setting([&](const char* name) {
    mentioned = mentioned || (arguments != nullptr && strcasestr(arguments, name) != nullptr);
  });
  return mentioned;
}

bool is_proxied(const char* filename) {
  return std::string_view(filename != nullptr ? filename : "").starts_with(proxy_prefix);
}

bool has_htaccess(const request_rec* request) {
  // mod_proxy's requests have no directory.
  if (is_proxied(request->filename)) return false;
  for (const htaccess_result* each = request->htaccess; each != nullptr; each = each->next) {
    if (each->htaccess != nullptr) return true;
  }
  return false;
}

// A subrequest begins with the environment of the request around it, and with what
// .htaccess, or a page that includes it, has put there.
void forget_inherited_settings(const request_rec* request, apr_table_t* environment) {
  const RequestRecord* const around = record_of(request->main);
  each_setting([&](const char* name) {
    const char* const value = apr_table_get(environment, name);
    if (value == nullptr || value != apr_table_get(request->main->subprocess_env, name)) return;
    apr_table_unset(environment, name);
    const char* const own = around != nullptr && around->before != nullptr
                                ? apr_table_get(around->before->environment, name)
                                : nullptr;
    if (own != nullptr) apr_table_setn(environment, name, own);
  });
}

// A subrequest may have taken the request's place (DirectoryIndex), with its URI.
const BeforeHtaccess* find_before(const request_rec* request) {
  const RequestRecord* const record = record_of(request);
  if (record == nullptr || record->before == nullptr) return nullptr;
  if (record->before->uri == request->uri) return record->before;
  const BeforeHtaccess* each = record->of_subrequests;
  while (each != nullptr && each->uri != request->uri) each = each->next;
  return each;
}

apr_status_t leave_list(void* data) noexcept {
  const auto* const before = static_cast<BeforeHtaccess*>(data);
  BeforeHtaccess** at = &before->around->of_subrequests;
  while (*at != nullptr && *at != before) at = &(*at)->next;
  if (*at != nullptr) *at = before->next;
  return APR_SUCCESS;
}

void join_list(request_rec* subrequest, BeforeHtaccess* before) {
  before->around = &ensure_record(subrequest->main);
  before->next = std::exchange(before->around->of_subrequests, before);
  apr_pool_cleanup_register(subrequest->pool, before, leave_list, apr_pool_cleanup_null);
}

// Runs one module's function of a hook.
template <class Link>
void run_of(const char* name, const apr_array_header_t* hooks, request_rec* request) {
  for (int i = 0; hooks != nullptr && i < hooks->nelts; i++) {
    const Link& link = APR_ARRAY_IDX(hooks, i, Link);
    if (strcmp(link.szName, name) == 0) link.pFunc(request);
  }
}

// A copy of the request, as it would be if there were no .htaccess.
class WithoutHtaccess {
 public:
  explicit WithoutHtaccess(const request_rec* request)
      : WithoutHtaccess(request, {nullptr, request->filename, request->finfo,
                                  request->subprocess_env, true, nullptr, nullptr}) {}
  WithoutHtaccess(const request_rec* request, const BeforeHtaccess& before)
      : copy_(*request), is_subrequest_(request->main != nullptr) {
    copy_.log = &silent;
    copy_.main = copy_.prev = nullptr;
    copy_.htaccess = nullptr;
    copy_.filename = apr_pstrdup(request->pool, before.filename);
    copy_.path_info = nullptr;
    copy_.finfo = before.file;
    copy_.subprocess_env = apr_table_copy(request->pool, before.environment);
    for (apr_table_t** table :
         {&copy_.headers_in, &copy_.headers_out, &copy_.err_headers_out, &copy_.notes}) {
      *table = apr_table_copy(request->pool, *table);
    }
    is_whole_ = is_proxied(before.filename) || walk();
  }

  // Null where the server's own configuration has nothing to say, or no access to the file.
  [[nodiscard]] void* settings_of(module* of) const {
    return is_whole_ ? ap_get_module_config(copy_.per_dir_config, of) : nullptr;
  }

  // SetHandler's; null where there is none.
  [[nodiscard]] const char* handler() {
    const auto* const core = static_cast<core_dir_config*>(settings_of(&core_module));
    if (core == nullptr || core->expr_handler == nullptr) {
      return core != nullptr ? core->handler : nullptr;
    }
    const char* fault = nullptr;
    return ap_expr_str_exec(&copy_, core->expr_handler, &fault);
  }

  // With what directives of the server's set for this directory and file.
  apr_table_t* environment() {
    if (is_whole_) {
      // httpd asks it for a request as the client made it alone, and first for the lines
      // outside of directories.
      if (is_subrequest_) {
        run_of<ap_LINK_header_parser_t>("mod_setenvif.c", ap_hook_get_header_parser(), &copy_);
      }
      run_of<ap_LINK_header_parser_t>("mod_setenvif.c", ap_hook_get_header_parser(), &copy_);
      run_of<ap_LINK_fixups_t>("mod_env.c", ap_hook_get_fixups(), &copy_);
      run_of<ap_LINK_fixups_t>("mod_rewrite.c", ap_hook_get_fixups(), &copy_);
    }
    return copy_.subprocess_env;
  }

 private:
  // As httpd does it for every request.
  bool walk() {
    // What a walk has found is kept for the next one; these are none of the request's.
    void* kept[std::size(walks)];
    for (std::size_t i = 0; i < std::size(walks); i++) {
      void** const note = ap_get_request_note(&copy_, static_cast<apr_size_t>(walks[i]));
      kept[i] = std::exchange(*note, nullptr);
    }
    copy_.per_dir_config = copy_.server->lookup_defaults;
    const bool walked = ap_directory_walk(&copy_) == OK && ap_file_walk(&copy_) == OK &&
                        ap_location_walk(&copy_) == OK && ap_if_walk(&copy_) == OK;
    for (std::size_t i = 0; i < std::size(walks); i++) {
      *ap_get_request_note(&copy_, static_cast<apr_size_t>(walks[i])) = kept[i];
    }
    return walked;
  }

  request_rec copy_;
  bool is_subrequest_;
  bool is_whole_ = false;
};

void set_php_values(request_rec* request, const apr_table_t* own) {
  each_setting([&](const char* name) {
    // All of that name, in whatever case: a table may hold it more than once.
    apr_table_unset(request->subprocess_env, name);
    const char* const value = own != nullptr ? apr_table_get(own, name) : nullptr;
    if (value != nullptr) apr_table_addn(request->subprocess_env, name, value);
  });
}

void set_proxy_settings(request_rec* request, module* proxy_fcgi, void* own) {
  if (ap_get_module_config(request->per_dir_config, proxy_fcgi) == own) return;
  ap_conf_vector_t* const settings = ap_create_per_dir_config(request->pool);
  for (module* each = ap_top_module; each != nullptr; each = each->next) {
    ap_set_module_config(settings, each, ap_get_module_config(request->per_dir_config, each));
  }
  ap_set_module_config(settings, proxy_fcgi, own);
  request->per_dir_config = settings;
}

}  // namespace

bool has_settings_for_php(const ap_directive_t* tree) {
  for (const ap_directive_t* node = tree; node != nullptr; node = node->next) {
    if (strncasecmp(node->directive, "ProxyFCGI", 9) == 0 || mentions_settings(node->args) ||
        has_settings_for_php(node->first_child)) {
      return true;
    }
  }
  return false;
}

void tell_of_htaccess(request_rec* request) {
  if (request->main == nullptr || !has_htaccess(request)) return;
  for (request_rec* around = request->main; around != nullptr; around = around->main) {
    ensure_record(around).has_htaccess_below = true;
  }
}

void remember_before_htaccess(request_rec* request) {
  auto* const before =
      static_cast<BeforeHtaccess*>(apr_pcalloc(request->pool, sizeof(BeforeHtaccess)));
  before->uri = request->uri;
  before->filename =
      apr_pstrdup(request->pool, request->filename != nullptr ? request->filename : "");
  before->file = request->finfo;
  before->environment = apr_table_copy(request->pool, request->subprocess_env);
  before->has_htaccess = has_htaccess(request);
  ensure_record(request).before = before;
  if (request->main == nullptr) return;
  forget_inherited_settings(request, before->environment);
  join_list(request, before);
}

void keep_htaccess_out(request_rec* request, module* proxy_fcgi) {
  void* const of_vhost = proxy_fcgi != nullptr
                             ? ap_get_module_config(request->server->lookup_defaults, proxy_fcgi)
                             : nullptr;
  const BeforeHtaccess* const before = find_before(request);
  if (before == nullptr) {
    set_php_values(request, nullptr);
    if (proxy_fcgi != nullptr) set_proxy_settings(request, proxy_fcgi, of_vhost);
    return;
  }
  // All of it is the server's.
  if (!before->has_htaccess && request->main == nullptr) return;
  WithoutHtaccess own(request, *before);
  set_php_values(request, own.environment());
  if (proxy_fcgi == nullptr) return;
  void* const settings = own.settings_of(proxy_fcgi);
  set_proxy_settings(request, proxy_fcgi, settings != nullptr ? settings : of_vhost);
}

void remember_handler(request_rec* request) {
  if (request->handler != nullptr) ensure_record(request).handler = request->handler;
}

bool refuses_servers_page(const request_rec* request, const HandlerNames& pages) {
  const std::string_view handler = request->handler != nullptr ? request->handler : "";
  if (!pages.contains(handler)) return false;
  const RequestRecord* const record = record_of(request);
  if (record != nullptr && record->handler != nullptr && handler == record->handler) return false;
  const bool below = record != nullptr && record->has_htaccess_below;
  if (!below && !has_htaccess(request)) return false;
  const char* const own = WithoutHtaccess(request).handler();
  if (own != nullptr && handler == own) return false;
  ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, request,
                "MO0146: MailOriginStrict: %s is %s by .htaccess, which may be a page about the "
                "whole server: where it is to be, a section of httpd.conf says so with SetHandler",
                request->uri, request->handler);
  return true;
}

bool wants_no_htaccess(const request_rec* request) { return request->log == &silent; }

}  // namespace mailorigin::httpd
