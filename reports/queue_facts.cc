#include "reports/queue_facts.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <vector>

#include "reports/fields.h"
#include "reports/findings.h"

namespace mailorigin::reports {

using nlohmann::json;

namespace {

struct MailServer {
  const char* name;  // of the member of the daemon's status
  const char* directive;
  const char* remedy;
};
constexpr MailServer mail_servers[] = {
    {"milter", "MailOriginMilter",
     "name it in smtpd_milters and non_smtpd_milters of main.cf, and send a message: postconf "
     "smtpd_milters non_smtpd_milters; echo test | sendmail root"},
    {"exim", "MailOriginEximSocket",
     "have acl_not_smtp and acl_smtp_data ask it (docs/exim.md), and send a message: echo test | "
     "sendmail root"},
};

std::string vhosts_text(const std::vector<const VhostPolicy*>& vhosts) {
  std::string text = vhosts.front()->name;
  if (vhosts.size() > 1) text += " and " + std::to_string(vhosts.size() - 1) + " more";
  return text;
}

}  // namespace

bool somebody_holds(const json& daemon) {
  const json& queue = member(daemon, "queue");
  return std::any_of(std::begin(mail_servers), std::end(mail_servers), [&](const MailServer& each) {
    return flag_at(member(queue, each.name), "holds");
  });
}

void check_queue(const json& daemon, const Policy& policy, json& findings) {
  const json& queue = member(daemon, "queue");
  for (const MailServer& each : mail_servers) {
    const json& facts = member(queue, each.name);
    if (!flag_at(facts, "wanted") || flag_at(facts, "holds")) continue;
    const std::string asked = text_at(facts, "asked");
    findings.push_back(
        finding("queue",
                std::string(each.directive) + " is set, and the mail server " +
                    (asked.empty() ? "has not asked yet" : "has not asked since " + asked),
                each.remedy));
  }
  const auto holding = policy.that_may_hold();
  if (holding.empty() || somebody_holds(daemon)) return;
  findings.push_back(finding("queue",
                             "what " + vhosts_text(holding) +
                                 " would hold is refused (no-hold): no mail server that holds is "
                                 "connected",
                             policy.queue.is_asked_about()
                                 ? "as above"
                                 : "MailOriginMilter for Postfix, MailOriginEximSocket for Exim"));
}

}  // namespace mailorigin::reports
