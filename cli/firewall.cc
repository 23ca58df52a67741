#include "cli/firewall.h"

#include <unistd.h>

#include <CLI/App.hpp>
#include <cerrno>
#include <memory>
#include <vector>

#include "cli/report.h"
#include "cli/span.h"
#include "cli/suggestion.h"
#include "core/counted.h"
#include "core/socket_paths.h"
#include "reports/fields.h"
#include "reports/firewall_report.h"
#include "reports/services.h"
#include "reports/smtp_suggestion.h"
#include "reports/store_access.h"

namespace mailorigin::cli {

using nlohmann::json;
using namespace reports;

namespace {

std::string list(const json& things) {
  std::string out;
  for (const json& thing : things) {
    if (!out.empty()) out += ' ';
    out += thing.is_string() ? thing.get<std::string>() : thing.dump();
  }
  return out.empty() ? "none" : out;
}

std::vector<std::string> row_of(const std::string& name, const json& rules) {
  const json& allowed = array_at(rules, "allow");
  return {name, text_at(rules, "rule"), allowed.empty() ? "-" : list(allowed),
          text_at(rules, "local")};
}

int run(const Common& common) {
  const auto policy = ask_policy(control_socket(common.runtime_directory));
  const auto answer = ask_status(firewall_socket(common.runtime_directory));
  const json report =
      firewall_report(policy, answer, firewall_policy_is_kept(common.runtime_directory));
  print_facts(report, common, firewall_text);
  return flag_at(report, "well") ? exit_well : exit_to_do;
}

// Does not return but when mailorigin-firewall cannot be executed.
int remove(const Common& common) {
  const char* const program = MAILORIGIN_FIREWALL_PATH;
  execl(program, "mailorigin-firewall", "--remove", "--runtime-dir",
        common.runtime_directory.c_str(), static_cast<char*>(nullptr));
  complain(system_error(std::string("cannot execute ") + program, errno).message);
  return exit_to_do;
}

int suggest(const std::string& since, const Common& common) {
  auto opened = open_store(common.runtime_directory);
  if (!opened) {
    complain(opened.error());
    return exit_to_do;
  }
  return print_report(
      smtp_suggestion_of(*opened, *parse_span(since), now_ms()), common,
      [](const json& report, const Style& /*style*/) {
        return suggestion_text(report, isatty(STDOUT_FILENO) == 1);
      },
      [](const json& report) {
        return !array_at(report, "users").empty() || !array_at(report, "sites").empty();
      });
}

struct Options {
  bool removed = false;
  bool suggested = false;
  std::string since = "7d";
};

Run add_options(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  CLI::Option* const remove_wanted =
      app.add_flag("--remove", options->removed,
                   "takes it out of the kernel, until httpd's next start")
          ->disable_flag_override();
  CLI::Option* const suggest_wanted =
      app.add_flag("--suggest", options->suggested, "the directives that keep what was refused")
          ->disable_flag_override()
          ->excludes(remove_wanted);
  add_span_option(app, options->since, "with --suggest, for how long: 12h, 7d")
      ->needs(suggest_wanted);
  const CLI::Option* const json_wanted = app.get_parent()->get_option("--json");
  app.parse_complete_callback([options, json_wanted] {
    if (options->removed && json_wanted->count() > 0) {
      throw CLI::ValidationError("--remove has no JSON");
    }
  });
  return [options](const Common& common) {
    if (options->removed) return remove(common);
    return options->suggested ? suggest(options->since, common) : run(common);
  };
}

}  // namespace

std::string firewall_text(const json& report, const Style& style) {
  if (text_at(report, "wanted") == "off") {
    const std::string to_do = findings_text(array_at(report, "findings"), style);
    return to_do.empty() ? "MailOriginFirewall is Off: nothing is enforced, nothing is counted.\n"
                         : to_do;
  }
  Table facts;
  facts.add({"wanted", report.contains("wanted") ? text_at(report, "wanted") : "not known"});
  if (flag_at(report, "running")) {
    facts.add({"in force", text_at(report, "mode") + ", by " + text_at(report, "engine")});
    if (report.contains("loaded_at")) facts.add({"since", text_at(report, "loaded_at")});
    facts.add({"processes", std::to_string(number_at(report, "processes")) +
                                " known by a request, " +
                                counted(number_at(report, "older_workers"), "worker") +
                                " older than the firewall"});
  }
  if (report.contains("ports")) facts.add({"ports", list(array_at(report, "ports"))});
  if (report.contains("accounts")) {
    const json& accounts = array_at(report, "accounts");
    facts.add({"always", accounts.empty() ? "root" : "root " + list(accounts)});
  }
  std::string out = facts.wrapped(style);

  const json& counters = member(report, "counters");
  if (counters.is_object()) {
    Table table;
    for (const auto& [name, value] : counters.items()) table.add({name, value.dump()});
    out += '\n' + style.heading("Counted since it was loaded") + '\n' + table.text(2);
  }
  if (report.contains("default")) {
    Table table;
    table.add({"VHOST", "SMTP", "ALLOWED", "LOCAL"});
    table.add(row_of("(default)", report["default"]));
    for (const json& each : array_at(report, "vhosts_that_differ")) {
      table.add(row_of(text_at(each, "name"), each));
    }
    out += '\n' + table.fitting(style);
  }
  const std::string to_do = findings_text(array_at(report, "findings"), style);
  return out + (to_do.empty() ? "" : '\n' + to_do);
}

const Command firewall_command = {"firewall", "what is enforced, and how often",
                                  "mailorigin --json firewall | jq .counters.denied", add_options};

}  // namespace mailorigin::cli
