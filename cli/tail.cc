#include "cli/tail.h"

#include <CLI/App.hpp>
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "cli/report.h"
#include "core/format.h"
#include "core/name_values.h"
#include "core/verdict.h"
#include "reports/known_name.h"
#include "reports/recent_events.h"
#include "reports/store_access.h"

namespace mailorigin::cli {

using namespace reports;

namespace {

constexpr std::chrono::milliseconds pause{250};
constexpr std::size_t lines_limit = 10'000;

struct Options {
  bool follow = false;
  EventFilter filter;
  std::size_t lines = 10;
};

void print_events(const std::vector<Event>& events, const Common& common, const Style& style) {
  const Format json = *Format::predefined("json");
  for (const Event& event : events) {
    std::string line;
    if (common.json) {
      json.append(line, event);
      line += '\n';
    } else {
      line = event_line(event, style);
    }
    print(line);
  }
  (void)std::fflush(stdout);
}

// Until it is interrupted, or nobody reads what it prints.
int follow(RecentEvents& recent, StoreAccess& store, const Common& common, const Style& style) {
  std::string trouble;
  for (;;) {
    std::this_thread::sleep_for(pause);
    const auto events = recent.next(store, now_ms());
    if (!events) {
      if (trouble != events.error().message) complain(events.error());
      trouble = events.error().message;
      // A server that was restarted is connected to anew.
      if (auto opened = open_store(common.runtime_directory)) store = std::move(opened->store);
      continue;
    }
    trouble.clear();
    print_events(*events, common, style);
    if (std::ferror(stdout) != 0) return exit_to_do;
  }
}

int run(const Options& options, const Common& common) {
  auto opened = open_store(common.runtime_directory);
  if (!opened) {
    complain(opened.error());
    return exit_to_do;
  }
  const Style style = Style::of_stdout();
  EventFilter filter = options.filter;
  if (opened->policy) filter.vhost = known_name(*opened->policy, filter.vhost);
  RecentEvents recent(std::move(filter));
  const auto events = recent.last(opened->store, options.lines, now_ms());
  if (!events) {
    complain(events.error());
    return exit_to_do;
  }
  print_events(*events, common, style);
  if (options.follow) return follow(recent, opened->store, common, style);
  return events->empty() ? exit_to_do : exit_well;
}

Run add_options(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_flag("--follow,-f", options->follow, "go on with what comes; or -f")
      ->disable_flag_override();
  app.add_option("--vhost", options->filter.vhost, "ServerName[:port], or ServerAlias")
      ->type_name("VHOST");
  app.add_option("--verdict", options->filter.verdicts, "allow, observe, hold, deny, redirect")
      ->type_name("VERDICT")
      ->allow_extra_args(false)
      ->check([](const std::string& name) {
        return verdict_named(name) ? "" : "is none of allow, observe, hold, deny, redirect";
      });
  app.add_option("--lines", options->lines, "how many of the last ones (10)")
      ->type_name("N")
      ->check([](const std::string& text) {
        return parse_number(text, lines_limit) ? "" : "is no number up to 10000";
      });
  return [options](const Common& common) { return run(*options, common); };
}

}  // namespace

std::string event_line(const Event& event, const Style& style) {
  const auto shown = [&](Field field) { return printable(event.get(field)); };
  const std::string& verdict = event.get(Field::verdict);
  std::string padded = printable(verdict);
  padded.resize(std::max<std::size_t>(padded.size(), 7), ' ');
  const std::string time = shown(Field::time) + ' ';
  const std::string head =
      time + (verdict == "allow" ? style.good(padded) : style.bad(padded)) + ' ';
  std::string out = (event.has(Field::vhost) ? shown(Field::vhost) : shown(Field::user));
  const Field place = event.has(Field::caller) ? Field::caller : Field::entry;
  if (event.has(place)) out += ' ' + shown(place);
  if (event.has(Field::dst)) out += " -> " + shown(Field::dst) + ' ' + shown(Field::dst_port);
  if (event.has(Field::to)) out += " -> " + shown(Field::to);
  if (event.has(Field::subject)) out += " \"" + shown(Field::subject) + '"';
  if (event.has(Field::reason)) out += " (" + shown(Field::reason) + ')';
  // On a terminal none of it, long as it may be, stands where another event's line begins.
  return style.after(head, time.size() + padded.size() + 1, out);
}

const Command tail_command = {"tail", "the last events, and with -f those that come",
                              "mailorigin tail -f --verdict deny", add_options};

}  // namespace mailorigin::cli
