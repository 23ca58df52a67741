#include "cli/policy.h"

#include <CLI/App.hpp>
#include <memory>
#include <string_view>

#include "core/counted.h"
#include "core/socket_paths.h"
#include "reports/fields.h"
#include "reports/policy_report.h"
#include "reports/services.h"

namespace mailorigin::cli {

using nlohmann::json;
using namespace reports;

namespace {

constexpr std::string_view nothing = "-";

std::string joined(const json& texts, std::string_view separator) {
  std::string out;
  for (const json& text : texts) {
    if (!out.empty()) out += separator;
    out += text.get<std::string>();
  }
  return out.empty() ? std::string(nothing) : out;
}

std::string send_cell(const json& vhost) {
  if (!flag_at(vhost, "enabled")) return "MailOrigin Off";
  std::string out = text_at(vhost, "send");
  if (!array_at(vhost, "denied_scripts").empty()) out += ", not some scripts";
  if (!array_at(vhost, "senders").empty()) out += ", some senders";
  return out;
}

std::string limits_cell(const json& vhost) {
  std::string out = joined(array_at(vhost, "limits"), "; ");
  if (vhost.contains("max_recipients")) {
    if (out == nothing) out.clear();
    out += (out.empty() ? "" : "; ") + counted(number_at(vhost, "max_recipients"), "recipient");
  }
  return out;
}

std::string smtp_cell(const json& vhost) {
  const json& smtp = member(vhost, "smtp");
  std::string out = text_at(smtp, "rule");
  const std::size_t allowed = array_at(smtp, "allow").size();
  if (allowed > 0) out += " but " + std::to_string(allowed);
  return out;
}

std::string logs_cell(const json& vhost) {
  std::string out;
  for (const json& log : array_at(vhost, "logs")) {
    out += (out.empty() ? "" : ", ") + text_at(log, "target");
  }
  return out.empty() ? std::string(nothing) : out;
}

int run(const Common& common, const std::string& vhost) {
  const auto policy = ask_policy(control_socket(common.runtime_directory));
  if (!policy) {
    complain(policy.error());
    return exit_to_do;
  }
  const auto report = policy_report(*policy, vhost);
  if (!report) {
    complain("no virtual host is named '" + printable(vhost) + "'; `mailorigin policy` lists them");
    return exit_to_do;
  }
  if (common.json) {
    print_json(*report);
  } else {
    print(policy_text(*report, !vhost.empty(), Style::of_stdout()));
  }
  return exit_well;
}

Run add_options(CLI::App& app) {
  const auto vhost = std::make_shared<std::string>();
  app.add_option("VHOST", *vhost, "ServerName[:port]: all of it, in httpd.conf's words")
      ->check([](const std::string& name) { return name.empty() ? "VHOST is empty" : ""; });
  return [vhost](const Common& common) { return run(common, *vhost); };
}

}  // namespace

std::string policy_text(const json& report, bool whole, const Style& style) {
  std::string out;
  if (whole) {
    for (const json& vhost : array_at(report, "vhosts")) {
      if (!out.empty()) out += '\n';
      const bool server = flag_at(vhost, "server");
      out += style.heading("# " + printable(text_at(vhost, "name")) +
                           (server ? ", outside of virtual hosts" : "")) +
             '\n';
      for (const json& line : array_at(vhost, "directives")) {
        out += printable(line.get<std::string>()) + '\n';
      }
      if (!server) continue;
      for (const json& line : array_at(report, "server_directives")) {
        out += printable(line.get<std::string>()) + '\n';
      }
    }
    return out;
  }
  Table table;
  table.add({"VHOST", "USER", "SEND", "LIMITS", "SMTP", "LOGS"});
  for (const json& vhost : array_at(report, "vhosts")) {
    const std::string user = text_at(vhost, "user");
    table.add({text_at(vhost, "name") + (flag_at(vhost, "server") ? " (server)" : ""),
               user.empty() ? std::string(nothing) : user, send_cell(vhost), limits_cell(vhost),
               smtp_cell(vhost), logs_cell(vhost)});
  }
  return table.fitting(style) + '\n' + joined(array_at(report, "server_directives"), "\n") + '\n';
}

const Command policy_command = {"policy", "each virtual host and what it may send",
                                "mailorigin policy shop.example", add_options};

}  // namespace mailorigin::cli
