// What the module keeps of a request, in its request_config; pool memory.
#pragma once

#include <cstdint>

#include "core/ulid.h"
#include "mod_mailorigin/httpd_api.h"
#include "mod_mailorigin/module.h"

namespace mailorigin::httpd {

struct BeforeHtaccess;
struct Vhost;

struct RequestId {
  Ulid id;
  RequestId* next;
};

// A destination that httpd was led to and that was judged: a balancer tries again, a name becomes
// an address, and a page's subrequests lead to the same.
struct JudgedDestination {
  const char* address;
  apr_port_t port;
  bool is_refused;
  JudgedDestination* next;
};

struct RequestRecord {
  const char* context;  // for code inside httpd
  const char* proxied;  // the context that was given to mod_proxy's first attempt
  bool is_attempted;    // that one has begun
  // In the record of what the client asked for: of everything done for it.
  RequestId* first;
  RequestId* last;
  unsigned count;
  JudgedDestination* judged;  // in the same
  bool has_waited_in_vain;    // in the same: for mailorigind, to tell it of one
  // In the same: of the latest that PHP was to run; null: there is none.
  const Vhost* of_php;
  std::uint64_t sealed_ns;
  // See strict.cc.
  const char* handler;  // before .htaccess
  BeforeHtaccess* before;
  BeforeHtaccess* of_subrequests;  // that live; the last one first
  bool has_htaccess_below;         // a subrequest, which may take the request's place
};

// Null if there is none.
inline RequestRecord* record_of(const request_rec* request) {
  return static_cast<RequestRecord*>(
      ap_get_module_config(request->request_config, &mailorigin_module));
}

inline RequestRecord& ensure_record(request_rec* request) {
  RequestRecord* record = record_of(request);
  if (record == nullptr) {
    record = static_cast<RequestRecord*>(apr_pcalloc(request->pool, sizeof(RequestRecord)));
    ap_set_module_config(request->request_config, &mailorigin_module, record);
  }
  return *record;
}

// The request as the client made it, behind subrequests and internal redirects.
inline request_rec* original(request_rec* request) {
  for (;;) {
    if (request->main != nullptr) {
      request = request->main;
    } else if (request->prev != nullptr) {
      request = request->prev;
    } else {
      return request;
    }
  }
}

}  // namespace mailorigin::httpd
