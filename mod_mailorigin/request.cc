#include "mod_mailorigin/request.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "core/context.h"
#include "core/seal.h"
#include "mod_mailorigin/code_request.h"
#include "mod_mailorigin/configuration.h"
#include "mod_mailorigin/request_record.h"
#include "mod_mailorigin/strict.h"

namespace mailorigin::httpd {

namespace {

// A page of a thousand subrequests does not make a line of a thousand ids.
constexpr unsigned ids_limit = 16;

const char* or_empty(const char* text) { return text != nullptr ? text : ""; }

const char* note(const request_rec* request, const char* name) {
  return apr_table_get(request->notes, name);
}

// mod_userdir keeps the user's name where no .htaccess reaches it. (Before httpd
// 2.4.66 it was a note, which RequestHeader could write: such a one is not
// believed, and home directories count as the host's own.)
bool is_of_userdir(const request_rec* request, const Configuration& configuration) {
  return configuration.userdir != nullptr &&
         ap_get_module_config(request->request_config, configuration.userdir) != nullptr;
}

Found look(const std::string& path) {
  struct stat about {};
  if (stat(path.c_str(), &about) != 0) return Found::nothing;
  return S_ISREG(about.st_mode) ? Found::file : Found::directory;
}

// Action runs a program (php-cgi) for a file: then the file is the script.
const request_rec* acted_on(const request_rec* request) {
  const request_rec* const file = request->prev;
  if (file == nullptr || file->finfo.filetype != APR_REG || request->path_info == nullptr ||
      file->uri == nullptr || strcmp(request->path_info, file->uri) != 0 ||
      apr_table_get(request->subprocess_env, "REDIRECT_HANDLER") == nullptr) {
    return nullptr;
  }
  return file;
}

std::string entry_of(const request_rec* request, CodeRunner runner) {
  if (runner == CodeRunner::program) {
    if (const request_rec* file = acted_on(request)) return or_empty(file->filename);
  }
  // SetHandler and the like leave the path as it is; ProxyPass has encoded it.
  const bool encoded =
      note(request, "proxy-sethandler") == nullptr && note(request, "proxy-nocanon") == nullptr;
  return entry_script(or_empty(request->filename), or_empty(request->path_info), encoded, look);
}

// PHP inside httpd runs whatever names its handler, and executable pages where
// its setting xbithack is on, which is .htaccess's to choose.
CodeRunner runner_of(const request_rec* request) {
  const std::string_view handler = or_empty(request->handler);
  if (handler == "text/html" && (request->finfo.protection & APR_FPROT_UEXECUTE) != 0) {
    return CodeRunner::inside;
  }
  return code_runner(handler, or_empty(request->filename));
}

// The uid that a process showing the context must have: MailOriginRunAs, or suexec's.
std::uint32_t uid_of(const request_rec* request, const Vhost& vhost, CodeRunner runner) {
  // It is this very process, whoever it runs as: suexec has no part in it, and
  // mpm-itk has taken the host's user by now.
  if (!vhost.uid_is_set && runner == CodeRunner::inside) return geteuid();
  // suexec runs a program in ~user as that user, whatever the host's own is.
  if (!vhost.uid_is_set && runner == CodeRunner::program &&
      is_of_userdir(request, *vhost.configuration)) {
    if (const ap_unix_identity_t* identity = ap_run_get_suexec_identity(request)) {
      return static_cast<std::uint32_t>(identity->uid);
    }
  }
  return vhost.uid;
}

Context describe(request_rec* request, const Vhost& vhost, CodeRunner runner) {
  request_rec* const asked = original(request);
  Context context;
  // MailOrigin Off seals all the same: the daemon lets it pass.
  context.tag.flags = vhost.enabled ? 0 : ContextTag::pass;
  context.tag.vhost_id = vhost.id;
  context.tag.uid = uid_of(request, vhost, runner);
  context.vhost = vhost.name;
  context.docroot = is_of_userdir(request, *vhost.configuration) ? ap_context_document_root(request)
                                                                 : ap_document_root(request);
  context.entry = entry_of(request, runner);
  context.client = or_empty(request->useragent_ip);
  context.method = method_of(or_empty(asked->the_request), or_empty(asked->method));
  context.uri = or_empty(asked->unparsed_uri);
  return context;
}

// Gives the context a request id of its own, and notes it for the log.
void begin_id(request_rec* request, const Vhost& vhost, Context& context) {
  context.tag.request_id = vhost.configuration->request_ids->next(
      static_cast<std::uint64_t>(apr_time_as_msec(request->request_time)));
  context.tag.boottime_ns = boottime_now_ns();
  request_rec* const asked = original(request);
  RequestRecord& record = ensure_record(asked);
  if (record.count == ids_limit) return;
  record.count++;
  auto* const entry = static_cast<RequestId*>(apr_pcalloc(asked->pool, sizeof(RequestId)));
  entry->id = context.tag.request_id;
  (record.last != nullptr ? record.last->next : record.first) = entry;
  record.last = entry;
}

// For one process, under a request id of its own.
const char* sealed_anew(request_rec* request, const Vhost& vhost, Context& context) {
  begin_id(request, vhost, context);
  if (looks_like_php(std::string_view(context.entry).substr(context.entry.rfind('/') + 1))) {
    RequestRecord& record = ensure_record(original(request));
    record.of_php = &vhost;
    record.sealed_ns = context.tag.boottime_ns;
  }
  const std::string sealed = seal(context, vhost.configuration->keys->current);
  return apr_pstrmemdup(request->pool, sealed.data(), sealed.size());
}

// What .htaccess, an earlier pass or the request around this one left there.
// The name is a table's key in any case of letters; each internal redirect
// keeps the environment before it under a longer one.
void remove_contexts(request_rec* request) {
  apr_table_unset(request->subprocess_env, context_variable.data());
  apr_table_unset(request->subprocess_env, "REDIRECT_SSL_MAILORIGIN_CONTEXT");
  if (request->prev == nullptr) return;
  std::string name = "REDIRECT_SSL_MAILORIGIN_CONTEXT";
  for (const request_rec* each = request->prev; each != nullptr; each = each->prev) {
    name.insert(0, "REDIRECT_");
    apr_table_unset(request->subprocess_env, name.c_str());
  }
}

// By which PHP finds the script that it is to run. httpd writes the first two for every program,
// but what stands in a table keeps its spelling, and to PHP "script_filename" is another name.
// The third, of internal redirects, has php-cgi take a file that the path names for the script.
void remove_script_names(request_rec* request) {
  for (const char* name : {"SCRIPT_FILENAME", "PATH_TRANSLATED"}) {
    apr_table_unset(request->subprocess_env, name);
  }
  if (request->prev == nullptr) apr_table_unset(request->subprocess_env, "REDIRECT_URL");
}

}  // namespace

void give_context(request_rec* request) {
  const Vhost* const vhost = config_of(request->server).vhost;
  const CodeRunner runner = runner_of(request);
  if (vhost == nullptr || runner == CodeRunner::none) return;
  const Configuration& configuration = *vhost->configuration;
  if (runner == CodeRunner::inside && !configuration.has_php_inside) return;

  // MailOriginStrict
  if (vhost->strict) {
    keep_htaccess_out(request, runner == CodeRunner::backend ? configuration.proxy_fcgi : nullptr);
  }
  remove_contexts(request);
  remove_script_names(request);

  Context context = describe(request, *vhost, runner);
  const char* const text = sealed_anew(request, *vhost, context);
  if (runner == CodeRunner::inside) {
    ensure_record(request).context = text;
    return;
  }
  apr_table_addn(request->subprocess_env, context_variable.data(), text);
  if (runner == CodeRunner::backend) ensure_record(request).proxied = text;
}

void begin_attempt(request_rec* request) {
  RequestRecord* const record = record_of(request);
  if (record == nullptr || record->proxied == nullptr) return;
  if (!std::exchange(record->is_attempted, true)) return;
  // From what was sealed: mod_proxy_fcgi changes the request while it sends it.
  const Vhost& vhost = *config_of(request->server).vhost;
  Unsealed first = unseal(record->proxied, *vhost.configuration->keys, boottime_now_ns());
  if (!first.context) return;
  remove_contexts(request);
  apr_table_addn(request->subprocess_env, context_variable.data(),
                 sealed_anew(request, vhost, *first.context));
}

Context deputy_context(request_rec* request) {
  const Vhost& vhost = *config_of(request->server).vhost;
  Context context = describe(request, vhost, CodeRunner::backend);
  // What a rewrite leaves of the URL is no script.
  if (look(context.entry) != Found::file) context.entry.clear();
  begin_id(request, vhost, context);
  return context;
}

// Where it failed, PHP may not have run.
void count_request(request_rec* request) {
  const RequestRecord* const record = record_of(original(request));
  if (record == nullptr || record->of_php == nullptr) return;
  const request_rec* last = request;
  while (last->next != nullptr) last = last->next;
  if (last->status >= HTTP_INTERNAL_SERVER_ERROR) return;
  const Vhost& vhost = *record->of_php;
  vhost.configuration->request_counts->count(vhost.place, record->sealed_ns);
}

const char* context_of(request_rec* request) {
  const RequestRecord* const record = record_of(request);
  return record == nullptr ? nullptr : record->context;
}

const char* request_ids(request_rec* request) {
  const RequestRecord* const record = record_of(original(request));
  if (record == nullptr || record->first == nullptr) return nullptr;
  std::string text;
  for (const RequestId* entry = record->first; entry != nullptr; entry = entry->next) {
    if (!text.empty()) text += ',';
    text += entry->id.text();
  }
  return apr_pstrmemdup(request->pool, text.data(), text.size());
}

}  // namespace mailorigin::httpd
