// Where the module meets httpd: each hook, and the reason for its place.
#include <memory>
#include <string>

#include "mod_mailorigin/companion_process.h"
#include "mod_mailorigin/config.h"
#include "mod_mailorigin/configuration.h"
#include "mod_mailorigin/kept.h"
#include "mod_mailorigin/ldap_guard.h"
#include "mod_mailorigin/logs.h"
#include "mod_mailorigin/module.h"
#include "mod_mailorigin/pool.h"
#include "mod_mailorigin/proxy_guard.h"
#include "mod_mailorigin/report.h"
#include "mod_mailorigin/request.h"
#include "mod_mailorigin/request_context.h"
#include "mod_mailorigin/strict.h"
#include "mod_mailorigin/supervisor.h"

namespace mailorigin::httpd {

namespace {

// httpd reads its configuration twice when it starts, the first time in order
// to look for faults alone.
bool is_first_pass() { return ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG; }

bool is_config_test() { return ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_CONFIG_TEST; }

void report_warnings(const Configuration& configuration, const server_rec* server) {
  for (const std::string& warning : configuration.warnings) {
    report(APLOG_WARNING, server, warning);
  }
}

extern "C" {

const char* log_request_ids(request_rec* request, char*) {
  return guarded<const char*>(nullptr, [&] { return request_ids(request); });
}

int pre_config(apr_pool_t* pool, apr_pool_t*, apr_pool_t*) {
  // mod_log_config wants a writable string.
  static char tag[] = "^MO";
  if (auto* const add = APR_RETRIEVE_OPTIONAL_FN(ap_register_log_handler)) {
    add(pool, tag, log_request_ids, 0);
  }
  return guarded(HTTP_INTERNAL_SERVER_ERROR, [] {
    guard_proxy();
    guard_ldap();
    return OK;
  });
}

int check_config(apr_pool_t* pool, apr_pool_t*, apr_pool_t*, server_rec* server) {
  return guarded(HTTP_INTERNAL_SERVER_ERROR, [&] {
    const Purpose purpose =
        is_config_test() || is_first_pass() ? Purpose::faults : Purpose::service;
    const Configuration* const configuration = read_configuration(pool, server, purpose);
    if (configuration == nullptr) return HTTP_INTERNAL_SERVER_ERROR;
    if (is_config_test()) report_warnings(*configuration, nullptr);
    return OK;
  });
}

int open_log_targets(apr_pool_t*, apr_pool_t*, apr_pool_t*, server_rec* server) {
  return guarded(HTTP_INTERNAL_SERVER_ERROR, [&] {
    const Status opened = open_logs(kept(server->process), configuration_of(server)->policy);
    if (opened) return OK;
    report(APLOG_ERR, server, "MO0104: MailOriginLog: " + opened.error().message);
    return HTTP_INTERNAL_SERVER_ERROR;
  });
}

// Before the configuration's pool is cleared, at a restart as at the end.
apr_status_t configuration_ends(void* data) {
  guarded(0, [&] {
    auto* const configuration = static_cast<Configuration*>(data);
    const Kept& state = kept(configuration->main_server->process);
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_EXITING && getpid() == state.parent) {
      configuration->supervisor->finish();
    }
    return 0;
  });
  return APR_SUCCESS;
}

int post_config(apr_pool_t* pool, apr_pool_t*, apr_pool_t*, server_rec* server) {
  if (is_first_pass()) return OK;
  return guarded(HTTP_INTERNAL_SERVER_ERROR, [&] {
    Configuration* const configuration = configuration_of(server);
    report_warnings(*configuration, server);
    configuration->supervisor =
        pool_new<Supervisor>(pool, pool, *configuration, kept(server->process));
    apr_pool_pre_cleanup_register(pool, configuration, configuration_ends);
    const Status started = configuration->supervisor->start();
    if (started) return OK;
    report(APLOG_EMERG, server, "MO0109: " + started.error().message);
    return HTTP_INTERNAL_SERVER_ERROR;
  });
}

void child_init(apr_pool_t*, server_rec* server) {
  guarded(0, [&] {
    Configuration* const configuration = configuration_of(server);
    configuration->request_ids = std::make_unique<RequestIds>();
    // With -X, httpd's parent serves requests itself.
    if (getpid() == kept(server->process).parent) return 0;
    sleep_on_in_child();
    configuration->supervisor->drop_in_child();
    return 0;
  });
}

int monitor(apr_pool_t*, server_rec* server) {
  return guarded(OK, [&] {
    configuration_of(server)->supervisor->tend();
    return OK;
  });
}

int post_perdir_config(request_rec* request) {
  const Vhost* const vhost = config_of(request->server).vhost;
  if (vhost == nullptr || !vhost->strict) return DECLINED;
  return guarded(HTTP_INTERNAL_SERVER_ERROR, [&] {
    tell_of_htaccess(request);
    remember_handler(request);
    if (vhost->configuration->has_settings_for_php) remember_before_htaccess(request);
    return DECLINED;
  });
}

apr_status_t open_htaccess(request_rec* request, const char*, const char*, ap_configfile_t**,
                           const char**) {
  return wants_no_htaccess(request) ? APR_ENOENT : AP_DECLINED;
}

int handler(request_rec* request) {
  return guarded(HTTP_INTERNAL_SERVER_ERROR, [&] {
    const Vhost* const vhost = config_of(request->server).vhost;
    if (vhost != nullptr && vhost->strict &&
        refuses_servers_page(request, vhost->configuration->page_handlers)) {
      return HTTP_FORBIDDEN;
    }
    give_context(request);
    return DECLINED;
  });
}

int count(request_rec* request) {
  return guarded(DECLINED, [&] {
    count_request(request);
    return DECLINED;
  });
}

const char* mailorigin_request_context(request_rec* request) { return context_of(request); }

}  // extern "C"

}  // namespace

}  // namespace mailorigin::httpd

extern "C" void mailorigin_register_hooks(apr_pool_t*) {
  using namespace mailorigin::httpd;
  // mod_log_config offers its registration when it is loaded; formats are read
  // after all pre_config hooks.
  ap_hook_pre_config(pre_config, nullptr, nullptr, APR_HOOK_MIDDLE);
  // The last step of `httpd -t`, with every virtual host merged.
  ap_hook_check_config(check_config, nullptr, nullptr, APR_HOOK_MIDDLE);
  // After the core's, which opens error_log.
  ap_hook_open_logs(open_log_targets, nullptr, nullptr, APR_HOOK_MIDDLE);
  ap_hook_post_config(post_config, nullptr, nullptr, APR_HOOK_MIDDLE);
  ap_hook_child_init(child_init, nullptr, nullptr, APR_HOOK_MIDDLE);
  ap_hook_monitor(monitor, nullptr, nullptr, APR_HOOK_MIDDLE);
  // Between reading .htaccess and running what it says.
  ap_hook_post_perdir_config(post_perdir_config, nullptr, nullptr, APR_HOOK_REALLY_FIRST);
  ap_hook_open_htaccess(open_htaccess, nullptr, nullptr, APR_HOOK_REALLY_FIRST);
  // Ahead of every handler, and after all that .htaccess can do.
  ap_hook_handler(handler, nullptr, nullptr, APR_HOOK_REALLY_FIRST);
  ap_hook_log_transaction(count, nullptr, nullptr, APR_HOOK_MIDDLE);
  APR_REGISTER_OPTIONAL_FN(mailorigin_request_context);
}
