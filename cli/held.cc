#include "cli/held.h"

#include <CLI/App.hpp>
#include <memory>
#include <optional>
#include <utility>

#include "cli/report.h"
#include "reports/fields.h"
#include "reports/held_mail.h"
#include "reports/known_name.h"
#include "reports/store_access.h"

namespace mailorigin::cli {

using nlohmann::json;
using namespace reports;

namespace {

// "to@example.org and 3 more".
std::string recipients_text(const json& facts) {
  const json& all = array_at(facts, "recipients");
  if (all.empty() || !all[0].is_string()) return "-";
  const std::string first = all[0].get<std::string>();
  return all.size() == 1 ? first : first + " and " + std::to_string(all.size() - 1) + " more";
}

std::string or_dash(const std::string& text) { return text.empty() ? "-" : text; }

std::string whose(const json& facts) {
  const std::string vhost = text_at(facts, "vhost");
  return or_dash(vhost.empty() ? text_at(facts, "user") : vhost);
}

// What is on hold, or nothing after saying what is missing.
std::optional<HeldMails> held_mails(const Common& common, HeldFilter filter) {
  auto opened = open_store(common.runtime_directory);
  if (!opened) {
    complain(opened.error().context("whose mail waits is not known"));
    return std::nullopt;
  }
  if (opened->policy) filter.site = known_name(*opened->policy, filter.site);
  auto held = find_held(opened->store, filter, now_ms());
  if (!held) {
    complain(held.error());
    return std::nullopt;
  }
  return *std::move(held);
}

void add_choice(CLI::App& app, HeldFilter& filter) {
  app.add_option("--site", filter.site, "those of a ServerName[:port], or ServerAlias")
      ->type_name("SITE");
  app.add_option("--script", filter.script, "those that this script sent")->type_name("PATH");
}

int list(const Common& common, const HeldFilter& filter) {
  const auto held = held_mails(common, filter);
  if (!held) return exit_to_do;
  const json report = held_report(*held);
  print_facts(report, common, held_text);
  return held->list.empty() ? exit_to_do : exit_well;
}

int end_hold(const Common& common, const HeldFilter& filter, Fate fate) {
  if (filter.ids.empty() && filter.site.empty() && filter.script.empty()) {
    complain("which? IDs of `mailorigin held`, --site or --script");
    return exit_usage;
  }
  const auto held = held_mails(common, filter);
  if (!held) return exit_to_do;
  const json report = decided_report(*held, fate);
  print_facts(report, common, decided_text);
  bool all_well = !held->list.empty() && held->list.size() >= filter.ids.size();
  for (const json& each : array_at(report, "mails")) {
    const std::string outcome = text_at(each, "outcome");
    all_well = all_well && outcome != "failed" && outcome != "gone";
  }
  return all_well ? exit_well : exit_to_do;
}

template <Fate fate>
Run add_end_options(CLI::App& app) {
  const auto filter = std::make_shared<HeldFilter>();
  app.add_option("ID", filter->ids, "of the event, or of the mail server's queue");
  add_choice(app, *filter);
  return [filter](const Common& common) { return end_hold(common, *filter, fate); };
}

Run add_list_options(CLI::App& app) {
  const auto filter = std::make_shared<HeldFilter>();
  add_choice(app, *filter);
  return [filter](const Common& common) { return list(common, *filter); };
}

std::string claimed_text(const json& report, const Style& style) {
  const auto claimed = number_at(report, "claimed");
  if (claimed == 0) return "";
  return style.lines(std::string("Left out: ") + std::to_string(claimed) +
                         " of which only the sender says that this script sent them (`mailorigin "
                         "held` shows them; they can be named by their IDs)",
                     0, 2);
}

}  // namespace

std::string held_text(const json& report, const Style& style) {
  const json& held = array_at(report, "held");
  std::string out;
  if (held.empty()) {
    out = "Nothing is on hold that a rule has put there.\n";
  } else {
    Table table;
    table.add({"ID", "SINCE", "WHOSE", "SCRIPT", "FROM", "TO", "SUBJECT", "WHY"});
    for (const json& each : held) {
      table.add({text_at(each, "id"), text_at(each, "since"), whose(each),
                 or_dash(text_at(each, "script")), or_dash(text_at(each, "sender")),
                 recipients_text(each), or_dash(text_at(each, "subject")),
                 text_at(each, "reason")});
    }
    out = table.fitting(style);
  }
  out += claimed_text(report, style);
  if (const auto others = number_at(report, "others"); others > 0) {
    out += style.heading("Besides") + ": " + std::to_string(others) +
           " that the mail server keeps for another reason (mailq)\n";
  }
  return out;
}

std::string decided_text(const json& report, const Style& style) {
  const json& mails = array_at(report, "mails");
  std::string out = claimed_text(report, style);
  if (mails.empty()) return "No mail on hold is meant by that.\n" + out;
  for (const json& each : mails) {
    const std::string outcome = text_at(each, "outcome");
    const bool is_done = outcome == "released" || outcome == "discarded";
    out += (is_done ? style.good(outcome) : style.bad(outcome)) + ' ' +
           printable(text_at(each, "id")) + "  " + printable(whose(each)) + " -> " +
           printable(recipients_text(each)) + "  " + printable(text_at(each, "subject"));
    if (outcome == "gone") out += "  (it is not on hold any more)";
    if (outcome == "failed") out += "  (" + printable(text_at(each, "trouble")) + ')';
    out += '\n';
  }
  return out;
}

const Command held_command = {"held", "the mails that wait in the mail server's hold queue",
                              "mailorigin held --site shop.example", add_list_options};
const Command release_command = {"release", "lets mails on hold go",
                                 "mailorigin release --site shop.example",
                                 add_end_options<Fate::release>};
const Command discard_command = {"discard", "drops mails on hold, unsent",
                                 "mailorigin discard --script /srv/shop/uploads/x.php",
                                 add_end_options<Fate::discard>};

}  // namespace mailorigin::cli
