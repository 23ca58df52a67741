#include "cli/status.h"

#include <CLI/App.hpp>
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "cli/block.h"
#include "cli/report.h"
#include "core/counted.h"
#include "reports/fields.h"
#include "reports/sizes.h"
#include "reports/status_report.h"

namespace mailorigin::cli {

using nlohmann::json;
using namespace reports;

namespace {

constexpr std::size_t label_width = 17;  // "firewall  to do  "
constexpr std::size_t names_shown = 8;   // of virtual hosts in one line; JSON has all

std::string headline(const json& report, const std::string& part, const Style& style) {
  const json& findings = array_at(report, "findings");
  const bool bad = std::any_of(findings.begin(), findings.end(),
                               [&](const json& each) { return text_at(each, "part") == part; });
  return bad ? style.bad("to do") : style.good("well ");
}

std::string httpd_line(const json& report) {
  const json& httpd = member(report, "httpd");
  if (!httpd.is_object()) return "not known";
  const std::string instance = text_at(httpd, "instance");
  return (flag_at(httpd, "connected") ? "connected" : "not connected") +
         (instance.empty() ? "" : ", " + instance);
}

std::string daemon_line(const json& report) {
  const json& daemon = member(report, "daemon");
  if (!daemon.is_object()) return "no answer";
  std::string out = "mailorigind " + text_at(daemon, "version") + ", pid " +
                    std::to_string(number_at(daemon, "pid")) + ", since " +
                    text_at(daemon, "started");
  const json& policy = member(report, "policy");
  if (policy.is_object()) {
    out += ", " + counted(number_at(policy, "vhosts"), "virtual host");
  }
  return out;
}

std::string logs_line(const json& report) {
  const json& logs = member(report, "logs");
  if (!logs.is_object()) return "not known";
  return counted(number_at(logs, "targets"), "target") + ", " +
         std::to_string(number_at(logs, "behind")) + " behind; " +
         size_text(number_at(logs, "waiting")) + " of " + size_text(number_at(logs, "capacity")) +
         " wait in the journal";
}

// By what /etc/php says; what is heard of them is a finding.
std::string php_line(const json& report) {
  std::string with;
  std::string without;
  for (const json& php : array_at(member(report, "php"), "programs")) {
    std::string& out = flag_at(php, "enabled") ? with : without;
    out += (out.empty() ? "" : ", ") + text_at(php, "version") + ' ' + text_at(php, "sapi");
  }
  if (with.empty()) return "no program of /etc/php loads the extension";
  return "the extension is loaded by " + with + (without.empty() ? "" : "; not by " + without);
}

std::string store_line(const json& report) {
  const json& store = member(report, "store");
  if (!store.is_object() || store.empty()) return "not known";
  if (!flag_at(store, "wanted")) return "off";
  const std::string file = text_at(store, "file");
  return text_at(store, "driver") + (file.empty() ? "" : ' ' + file) + ", " +
         counted(number_at(store, "retained_days"), "day") + "; " +
         size_text(number_at(store, "waiting")) + " wait in the journal" +
         (text_at(store, "work").empty() ? "" : "; " + text_at(store, "work"));
}

std::string firewall_line(const json& report) {
  const json& firewall = member(report, "firewall");
  const std::string wanted = text_at(firewall, "wanted");
  if (wanted.empty()) return "not known";
  if (wanted == "off") return "off";
  std::string out = wanted;
  const std::string engine = text_at(firewall, "engine");
  if (!engine.empty()) {
    const json& counters = member(firewall, "counters");
    out += ", engine " + engine + "; denied " + std::to_string(number_at(counters, "denied")) +
           ", observed " + std::to_string(number_at(counters, "observed"));
  }
  return out;
}

// Who asks about what enters the mail server's queue.
std::string queue_line(const json& report) {
  const json& queue = member(report, "queue");
  std::string out;
  for (const auto& [name, title] : {std::pair("milter", "a milter"), std::pair("exim", "Exim")}) {
    const json& facts = member(queue, name);
    if (!flag_at(facts, "wanted")) continue;
    const std::string asked = text_at(facts, "asked");
    out += (out.empty() ? "" : "; ") + std::string(title) +
           (asked.empty() ? " has not asked yet" : " asked at " + asked);
  }
  return out.empty() ? "no mail server asks about what enters its queue" : out;
}

std::string blocked_text(const json& report, const Style& style) {
  const json& blocks = array_at(report, "blocks");
  if (blocks.empty()) return "";
  std::string out = '\n' + style.heading("Blocked now") + '\n';
  for (const json& each : blocks) out += block_line(each, style);
  const std::uint64_t count = number_at(report, "blocks_count");
  if (count > blocks.size()) {
    out += "  and " + std::to_string(count - blocks.size()) + " more: mailorigin blocks\n";
  }
  return out;
}

std::string resets_text(const json& report, const Style& style) {
  const json& resets = array_at(report, "limit_resets");
  if (resets.empty()) return "";
  std::string out = '\n' + style.heading("Limits set back within a day") + '\n';
  for (const json& each : resets) {
    out += style.lines(printable(text_at(each, "site") + ", by " + text_at(each, "by") + " at " +
                                 text_at(each, "since")),
                       2, 2);
  }
  return out;
}

std::string weak_text(const json& report, const Style& style) {
  const json& weak = array_at(report, "weak_vhosts");
  if (weak.empty()) return "";
  std::string out = '\n' + style.heading("Virtual hosts with a weaker guarantee") + '\n';
  for (const json& each : weak) {
    const json& vhosts = array_at(each, "vhosts");
    std::string names;
    for (std::size_t i = 0; i < std::min(vhosts.size(), names_shown); i++) {
      if (!vhosts[i].is_string()) continue;
      names += (names.empty() ? "" : ", ") + vhosts[i].get<std::string>();
    }
    if (vhosts.size() > names_shown) {
      names += " and " + std::to_string(vhosts.size() - names_shown) + " more";
    }
    out += style.lines(printable(names) + ':', 2, 0) +
           style.lines(printable(text_at(each, "text")), 4, 0) +
           style.lines("-> " + printable(text_at(each, "remedy")), 4, 3);
  }
  return out;
}

std::string ways_text(const json& report, const Style& style) {
  const json& ways = array_at(report, "open_ways");
  if (ways.empty()) return "";
  std::string out = '\n' + style.heading("Ways out that are open") + '\n';
  for (const json& each : ways) {
    out += style.lines(printable(text_at(each, "text")), 2, 0) +
           style.lines("-> " + printable(text_at(each, "remedy")), 4, 3);
  }
  return out;
}

// Each php-fpm that runs, and with --probe what its pools answered.
std::string pools_text(const json& report, const Style& style) {
  const json& php = member(report, "php");
  const json& masters = array_at(php, "masters");
  if (masters.empty()) return "";
  Table table;
  table.add({"EXTENSION", "PHP-FPM", "POOLS"});
  for (const json& master : masters) {
    const json& pools = array_at(master, "pools");
    std::string names;
    for (std::size_t i = 0; i < std::min(pools.size(), names_shown); i++) {
      names += (names.empty() ? "" : ", ") + text_at(pools[i], "name");
    }
    if (pools.size() > names_shown) {
      names += " and " + std::to_string(pools.size() - names_shown) + " more";
    }
    table.add({text_at(master, "extension"), text_at(master, "configuration"), names});
  }
  std::string out = '\n' + style.heading("PHP-FPM") + '\n' + table.fitting(style, 2);
  if (!php.contains("probes")) return out;
  Table probes;
  probes.add({"RESULT", "POOL", "WHAT IT DID"});
  for (const json& probe : array_at(php, "probes")) {
    probes.add({text_at(probe, "result"), text_at(probe, "pool"), text_at(probe, "text")});
  }
  return out + '\n' + style.heading("A mail through each pool") + '\n' + probes.fitting(style, 2);
}

std::string mail_line(const json& report) {
  const std::string program = text_at(member(report, "mail"), "program");
  return (program.empty() ? "there is no /usr/sbin/sendmail" : program) +
         (flag_at(member(report, "clock"), "synchronized") ? "; the clock is synchronized"
                                                           : "; nothing synchronizes the clock");
}

int run(bool probes, const Common& common) {
  const auto observed = observe(common.runtime_directory, probes);
  const json report =
      observed ? status_report(*observed) : status_report_without_daemon(observed.error());
  print_facts(report, common, status_text);
  return flag_at(report, "well") ? exit_well : exit_to_do;
}

Run add_options(CLI::App& app) {
  const auto probes = std::make_shared<bool>(false);
  app.add_flag("--probe", *probes, "lets each php-fpm pool send a mail, which is refused")
      ->disable_flag_override();
  return [probes](const Common& common) { return run(*probes, common); };
}

}  // namespace

std::string status_text(const json& report, const Style& style) {
  const struct {
    const char* part;
    const char* label;
    std::string line;
  } lines[] = {{"httpd", "httpd     ", httpd_line(report)},
               {"daemon", "daemon    ", daemon_line(report)},
               {"logs", "logs      ", logs_line(report)},
               {"store", "store     ", store_line(report)},
               {"php", "php       ", php_line(report)},
               {"queue", "queue     ", queue_line(report)},
               {"firewall", "firewall  ", firewall_line(report)},
               {"host", "host      ", mail_line(report)}};
  // Without the daemon nothing is known of the others, and before httpd's first start little.
  const bool known = member(report, "daemon").is_object();
  const bool configured = member(report, "policy").is_object();
  std::string out;
  for (const auto& each : lines) {
    const std::string_view part = each.part;
    const bool judged = part == "daemon" || (part == "httpd" ? known : configured);
    const std::string head =
        each.label + (judged ? headline(report, each.part, style) : std::string("?    ")) + "  ";
    out += style.after(head, label_width, judged ? printable(each.line) : "not known");
  }
  if (!array_at(report, "findings").empty()) {
    out += '\n' + findings_text(array_at(report, "findings"), style);
  }
  return out + blocked_text(report, style) + resets_text(report, style) + weak_text(report, style) +
         ways_text(report, style) + pools_text(report, style);
}

const Command status_command = {"status", "is all loaded, connected, enforcing? What to do if not",
                                "mailorigin status || mailorigin status | mail -s MailOrigin root",
                                add_options};

}  // namespace mailorigin::cli
