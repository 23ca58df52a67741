#include "reports/smtp_facts.h"

#include <utility>

#include "reports/directives.h"

namespace mailorigin::reports {

using nlohmann::json;

json smtp_facts(const SmtpPolicy& smtp) {
  json allowed = json::array();
  for (const SmtpDestination& each : smtp.allow) allowed.push_back(smtp_destination_text(each));
  return {
      {"rule", smtp_text(smtp)}, {"allow", std::move(allowed)}, {"local", rule_name(smtp.local)}};
}

}  // namespace mailorigin::reports
