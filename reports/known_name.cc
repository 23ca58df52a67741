#include "reports/known_name.h"

#include "core/text.h"

namespace mailorigin::reports {

std::string known_name(const Policy& policy, std::string_view name) {
  const VhostPolicy* const called = policy.called(name);
  if (called == nullptr) return std::string(name);
  const bool is_its_own =
      !equal_ignoring_case(called->site, name) && equal_ignoring_case(called->name, name);
  return is_its_own ? called->name : called->site;
}

}  // namespace mailorigin::reports
