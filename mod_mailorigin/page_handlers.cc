#include "mod_mailorigin/page_handlers.h"

#include <link.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>

namespace mailorigin::httpd {

namespace {

// httpd's own. In an httpd that has its modules built in, all code is one.
constexpr std::string_view known_pages[] = {"application/x-httpd-status",
                                            "balancer-manager",
                                            "heartbeat",
                                            "ldap-status",
                                            "md-status",
                                            "server-info",
                                            "server-status"};

// Modules whose handlers are a file's, or of no more than its request.
constexpr std::string_view treat_files[] = {
    "core.c",          "mod_actions.c",    "mod_asis.c",
    "mod_auth_form.c", "mod_autoindex.c",  "mod_cache.c",
    "mod_cgi.c",       "mod_cgid.c",       "mod_dav.c",
    "mod_dialup.c",    "mod_dir.c",        "mod_fastcgi.c",
    "mod_fcgid.c",     "mod_file_cache.c", "mod_imagemap.c",
    "mod_include.c",   "mod_isapi.c",      "mod_log_debug.c",
    "mod_lua.c",       "mod_mono.c",       "mod_negotiation.c",
    "mod_perl.c",      "mod_php5.c",       "mod_php7.c",
    "mod_php.c",       "mod_proxy.c",      "mod_python.c",
    "mod_reflector.c", "mod_rewrite.c",    "mod_suphp.c",
    "mod_wsgi.c"};

enum class Kind : std::uint8_t { of_files, of_pages, own };

Kind kind_of(std::string_view module) {
  module = module.substr(module.rfind('/') + 1);
  if (module == "mod_mailorigin.c") return Kind::own;
  const bool is_known =
      std::find(std::begin(treat_files), std::end(treat_files), module) != std::end(treat_files);
  return is_known ? Kind::of_files : Kind::of_pages;
}

// The object (a module's file, or httpd's) that has a function, and what is done with its names.
struct Object {
  ElfW(Addr) function;
  const std::function<void(std::string_view)>& visit;
};

int visit_object(dl_phdr_info* info, std::size_t, void* data) {
  const auto& object = *static_cast<const Object*>(data);
  const auto* const end = info->dlpi_phdr + info->dlpi_phnum;
  const auto is_loaded = [](const ElfW(Phdr) & part) { return part.p_type == PT_LOAD; };
  const bool is_it = std::any_of(info->dlpi_phdr, end, [&](const ElfW(Phdr) & part) {
    const ElfW(Addr) begin = info->dlpi_addr + part.p_vaddr;
    return is_loaded(part) && object.function >= begin && object.function < begin + part.p_memsz;
  });
  if (!is_it) return 0;
  for (const auto* part = info->dlpi_phdr; part != end; part++) {
    if (!is_loaded(*part) || (part->p_flags & PF_R) == 0 || (part->p_flags & PF_W) != 0) continue;
    each_handler_name({reinterpret_cast<const char*>(info->dlpi_addr + part->p_vaddr),
                       static_cast<std::size_t>(part->p_memsz)},
                      object.visit);
  }
  return 1;  // no further ones
}

// Of every module of that kind that has a handler.
void each_name_of(Kind kind, const std::function<void(std::string_view)>& visit) {
  const apr_array_header_t* const hooks = ap_hook_get_handler();
  for (int i = 0; hooks != nullptr && i < hooks->nelts; i++) {
    const auto& link = APR_ARRAY_IDX(hooks, i, ap_LINK_handler_t);
    if (link.szName == nullptr || kind_of(link.szName) != kind) continue;
    Object object{reinterpret_cast<ElfW(Addr)>(link.pFunc), visit};
    dl_iterate_phdr(visit_object, &object);
  }
}

// Of "AddHandler name .ext" and "Action name /program".
void forget_files(const ap_directive_t* tree, HandlerNames& names) {
  for (const ap_directive_t* node = tree; node != nullptr; node = node->next) {
    if (strcasecmp(node->directive, "AddHandler") == 0 ||
        strcasecmp(node->directive, "Action") == 0) {
      const std::string_view arguments = node->args;
      names.erase(std::string(arguments.substr(0, arguments.find_first_of(" \t"))));
    }
    forget_files(node->first_child, names);
  }
}

}  // namespace

HandlerNames page_handlers(const ap_directive_t* tree) {
  HandlerNames names;
  each_name_of(Kind::of_pages, [&](std::string_view name) { names.emplace(name); });
  each_name_of(Kind::of_files, [&](std::string_view name) {
    if (const auto found = names.find(name); found != names.end()) names.erase(found);
  });
  forget_files(tree, names);
  names.insert(std::begin(known_pages), std::end(known_pages));
  return names;
}

}  // namespace mailorigin::httpd
