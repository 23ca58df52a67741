// Any bytes as a stored or pushed policy: what is accepted is usable.
#include <cstdlib>

#include "core/policy.h"

using namespace mailorigin;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto policy = Policy::decode({reinterpret_cast<const char*>(data), size});
  if (!policy) return 0;
  for (const VhostPolicy& vhost : policy->vhosts) {
    if (policy->by_id(vhost.id) == nullptr) std::abort();
    for (const LogRoute& route : vhost.logs) {
      if (route.target >= policy->targets.size()) std::abort();
    }
  }
  if (!Policy::decode(policy->encode())) std::abort();
  return 0;
}
