#include "fpm_plugin/connect_functions.h"

#include "fpm_plugin/firewall_page.h"
#include "fpm_plugin/function_hook.h"
#include "fpm_plugin/module_state.h"
#include "fpm_plugin/stack.h"

namespace mailorigin::php {

namespace {

template <std::size_t index>
void handler(INTERNAL_FUNCTION_PARAMETERS);

FunctionHook connect_functions[] = {
    {"fsockopen", handler<0>},
    {"pfsockopen", handler<1>},
    {"stream_socket_client", handler<2>},
    {"socket_connect", handler<3>},
    {"curl_exec", handler<4>},
    {"curl_multi_exec", handler<5>},
};

// No Zend function that may leave by longjmp runs inside.
void publish_this_call() noexcept {
  try {
    const ModuleState& state = module_state();
    const CallSite site = call_site(state.request.entry, state.settings.mailers);
    publish_call(site.file, site.line, site.caller);
  } catch (...) {  // no memory: the connection is known by its request alone
  }
}

template <std::size_t index>
void handler(INTERNAL_FUNCTION_PARAMETERS) {
  const bool published = is_published();
  if (published) {
    expect_connection();
    publish_this_call();
  }
  connect_functions[index].original(INTERNAL_FUNCTION_PARAM_PASSTHRU);
  // One that leaves by longjmp ends the request, whose end withdraws all of it.
  if (published) withdraw_call();
}

}  // namespace

void install_connect_functions() {
  for (FunctionHook& function : connect_functions) install(function);
}

void remove_connect_functions() {
  for (FunctionHook& function : connect_functions) remove(function);
}

}  // namespace mailorigin::php
