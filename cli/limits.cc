#include "cli/limits.h"

#include <CLI/App.hpp>
#include <algorithm>
#include <cstdint>
#include <memory>

#include "cli/report.h"
#include "core/blocks.h"
#include "reports/fields.h"
#include "reports/limits_report.h"

namespace mailorigin::cli {

using nlohmann::json;
using namespace reports;

namespace {

struct Options {
  std::string site;
  bool reset = false;
};

// "90 s", "17 min", "3 h": no one needs it to the second where it is hours.
std::string duration(std::uint64_t seconds) {
  constexpr std::uint64_t minute = 60;
  constexpr std::uint64_t hour = 60 * minute;
  if (seconds < 2 * minute) return std::to_string(seconds) + " s";
  if (seconds < 2 * hour) return std::to_string((seconds + minute - 1) / minute) + " min";
  return std::to_string((seconds + hour - 1) / hour) + " h";
}

std::string whom(const json& subject) {
  const std::string of = text_at(subject, "of");
  const std::string name = text_at(subject, "name");
  if (of == "site") return "the site, as user " + name;
  if (of == "docroot") return "the site in " + name;
  if (of == "scripts") return "all scripts of user " + name + " without a request";
  if (of == "foreign") return "user " + name + ", with a context of the site that is not its own";
  return of + ' ' + name;
}

std::string counted_line(const json& counted, const json& limit) {
  const std::uint64_t next_s = number_at(counted, "next_in");
  return std::to_string(number_at(counted, "used")) + " of " +
         std::to_string(number_at(limit, "burst")) + " used by " + whom(counted) +
         (next_s > 0 ? "; the next may leave in " + duration(next_s) : "") + "; whole in " +
         duration(number_at(counted, "whole_in"));
}

// What has become of them.
std::string fate(const json& exceeded, const json& limit) {
  const std::string action = text_at(limit, "action");
  const std::uint64_t mails = number_at(exceeded, "mails");
  if (action == "observe") return std::to_string(mails) + " above it";
  if (action != "hold") return std::to_string(mails) + " refused";
  const std::uint64_t held = number_at(exceeded, "held");
  const std::uint64_t no_hold = number_at(exceeded, "no_hold");
  std::string out;
  const auto add = [&](std::uint64_t count, const char* what) {
    if (count > 0) out += (out.empty() ? "" : ", ") + std::to_string(count) + what;
  };
  add(held, " held");
  add(no_hold, " refused (no-hold: no mail server that holds was connected)");
  add(mails - std::min(mails, held + no_hold), " refused by a stricter rule");
  return out;
}

std::string exceeded_line(const json& exceeded, const json& limit) {
  return fate(exceeded, limit) + " of " + whom(exceeded) + ", the last at " +
         text_at(exceeded, "last") + ": event " + text_at(exceeded, "event");
}

std::string limit_lines(const json& limit, const Style& style) {
  const std::string place = text_at(limit, "place");
  std::string out = style.lines(
      printable(text_at(limit, "directive")) + (place.empty() ? "" : " (" + printable(place) + ')'),
      2, 2);
  for (const json& each : array_at(limit, "counted")) {
    out += style.lines(printable(counted_line(each, limit)), 4, 2);
  }
  if (array_at(limit, "counted").empty()) out += "    nothing of it is used\n";
  for (const json& each : array_at(limit, "exceeded")) {
    out += style.lines(printable(exceeded_line(each, limit)), 4, 2);
  }
  return out;
}

std::string reset_words(const json& reset) {
  return "set back by " + printable(text_at(reset, "by")) + " at " + text_at(reset, "since");
}

int run(const Options& options, const Common& common) {
  if (options.reset) {
    return print_report(reset_limits(common.runtime_directory, options.site), common,
                        limits_reset_text, [](const json&) { return true; });
  }
  return print_report(limits_report(common.runtime_directory, options.site, now_ms()), common,
                      limits_text,
                      [](const json& report) { return !array_at(report, "limits").empty(); });
}

Run add_options(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("SITE", options->site, "its ServerName or a ServerAlias")
      ->required()
      ->check([](const std::string& text) {
        // As `site:NAME` of the other commands is read, but for a port.
        return parse_block_subject("site:" + text.substr(0, text.find(':')))
                   ? ""
                   : "SITE takes a ServerName";
      });
  app.add_flag("--reset", options->reset, "all of them begin anew")->disable_flag_override();
  return [options](const Common& common) { return run(*options, common); };
}

}  // namespace

std::string limits_text(const json& report, const Style& style) {
  const json& limits = array_at(report, "limits");
  std::string out = style.heading(printable(text_at(report, "site"))) + '\n';
  if (report.contains("reset")) out += "  " + reset_words(member(report, "reset")) + '\n';
  if (limits.empty()) out += "  has no MailOriginLimit.\n";
  for (const json& limit : limits) out += limit_lines(limit, style);
  return out + notes_text(report, style);
}

std::string limits_reset_text(const json& report, const Style& style) {
  return style.lines("limits of " + printable(text_at(report, "site")) + ' ' +
                         reset_words(member(report, "reset")) +
                         ": what was used before does not count",
                     0, 2) +
         notes_text(report, style);
}

const Command limits_command = {"limits", "what is used of a site's limits, by whom",
                                "mailorigin limits shop.example", add_options};

}  // namespace mailorigin::cli
