#include "reports/findings.h"

#include "reports/fields.h"
#include "reports/remedies.h"

namespace mailorigin::reports {

using nlohmann::json;

json finding(const std::string& part, const std::string& text, const std::string& remedy) {
  return {{"part", part}, {"text", text}, {"remedy", remedy}};
}

json finding(const std::string& part, const Error& error) {
  const std::string remedy = remedy_of(error);
  return finding(part, error.message, remedy.empty() ? "see what error_log says" : remedy);
}

json firewall_findings(FirewallMode mode, const Result<json>& answer,
                       std::optional<bool> policy_is_kept) {
  json findings = json::array();
  if (mode == FirewallMode::off) {
    if (answer && text_at(*answer, "engine") != "none") {
      findings.push_back(finding("firewall",
                                 "it is in force, and httpd.conf says MailOriginFirewall Off",
                                 "apachectl graceful; or mailorigin firewall --remove"));
    } else if (!answer && policy_is_kept.value_or(false)) {
      findings.push_back(finding(
          "firewall",
          "httpd.conf says MailOriginFirewall Off, and mailorigin-firewall does not run and has "
          "not heard: what it loaded stays in force",
          "apachectl graceful; with MailOriginDaemon external: systemctl start "
          "mailorigin-firewall.service; or mailorigin firewall --remove"));
    }
    return findings;
  }
  if (!answer) {
    findings.push_back(finding(
        "firewall",
        "mailorigin-firewall does not answer: " + answer.error().message +
            (policy_is_kept == false
                 ? "; it keeps no policy: it was taken out, or never loaded"
                 : "; what it may have loaded stays in force, but nothing tends it"),
        "see what error_log says (MO04...); with MailOriginDaemon external: systemctl enable --now "
        "mailorigin-firewall.service"));
    return findings;
  }
  for (const json& each : array_at(*answer, "findings")) {
    findings.push_back(finding("firewall", text_at(each, "text"), text_at(each, "remedy")));
  }
  const std::string engine = text_at(*answer, "engine");
  if (engine != "bpf" && engine != "nftables" && findings.empty()) {
    findings.push_back(finding("firewall", "nothing is enforced: nothing is loaded",
                               "apachectl graceful, and see what error_log says (MO0111, MO0112)"));
  }
  const std::string in_force = text_at(*answer, "mode");
  if (in_force != firewall_mode_name(mode)) {
    findings.push_back(finding("firewall",
                               "it is in the mode '" + in_force + "', and httpd.conf says '" +
                                   std::string(firewall_mode_name(mode)) + "'",
                               "apachectl graceful, and see what error_log says (MO0111, MO0112)"));
  }
  return findings;
}

}  // namespace mailorigin::reports
