#include "core/policy_in_memory.h"

#include "core/sealed_memory.h"

namespace mailorigin {

Result<Fd> policy_in_memory(const Policy& policy) {
  return sealed_memory("mailorigin-policy", policy.encode());
}

}  // namespace mailorigin
