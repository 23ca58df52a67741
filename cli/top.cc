#include "cli/top.h"

#include <CLI/App.hpp>
#include <algorithm>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "cli/report.h"
#include "cli/span.h"
#include "core/event.h"
#include "core/name_values.h"
#include "reports/fields.h"
#include "reports/store_access.h"
#include "reports/top_report.h"

namespace mailorigin::cli {

using nlohmann::json;
using namespace reports;

namespace {

constexpr std::size_t rows_limit = 10'000;
constexpr std::size_t bar_width = 10;

struct Options {
  std::string by = "vhost";
  std::string since = "1h";
  std::size_t limit = 20;
};

int run(const Options& options, const Common& common) {
  auto opened = open_store(common.runtime_directory);
  if (!opened) {
    complain(opened.error());
    return exit_to_do;
  }
  const auto report = top_report(
      {*store::per_named(options.by), *parse_span(options.since), now_ms(), options.limit},
      opened->store);
  return print_report(report, common, top_text,
                      [](const json& each) { return !array_at(each, "rows").empty(); });
}

Run add_options(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  std::string names;
  for (const std::string_view name : store::per_names) {
    names += (names.empty() ? "" : ", ") + std::string(name);
  }
  app.add_option("--by", options->by, names)
      ->type_name("WHAT")
      ->check([names](const std::string& name) {
        return store::per_named(name) ? "" : "is none of " + names;
      });
  add_span_option(app, options->since, "for how long: 15m, 1h, 7d");
  app.add_option("--limit", options->limit, "how many lines")
      ->type_name("N")
      ->check([](const std::string& text) {
        const auto number = parse_number(text, rows_limit);
        return number && *number > 0 ? "" : "is no number from 1 to 10000";
      });
  return [options](const Common& common) { return run(*options, common); };
}

std::string bar(std::uint64_t value, std::uint64_t most) {
  const std::size_t length = most == 0 ? 0 : (value * bar_width + most - 1) / most;
  return std::string(length, '#');
}

std::string share(std::uint64_t part, std::uint64_t whole) {
  if (part == 0 || whole == 0) return "-";
  return std::to_string((part * 100 + whole - 1) / whole) + '%';
}

std::string against_usual(std::uint64_t mails, std::uint64_t usual) {
  if (usual == 0) return "-";
  const std::uint64_t tenths = mails * 10 / usual;
  return 'x' + std::to_string(tenths / 10) +
         (tenths < 100 ? '.' + std::to_string(tenths % 10) : "");
}

}  // namespace

std::string top_text(const json& report, const Style& style) {
  const json& rows = array_at(report, "rows");
  const std::string since = text_at(report, "since");
  if (rows.empty()) {
    return style.lines("No mail was sent or refused since " + printable(since) +
                           ". Connections to SMTP ports do not count here: `mailorigin tail` has "
                           "the last ones.",
                       0, 0);
  }
  std::uint64_t most = 0;
  for (const json& row : rows) most = std::max(most, number_at(row, "mails"));
  Table table;
  table.add({"MAILS", "", "USUAL", "HELD", "DENIED", "RCPTS", text_at(report, "by")});
  for (const json& row : rows) {
    const std::uint64_t mails = number_at(row, "mails");
    const bool is_new = text_at(row, "first_seen") >= since;
    table.add({std::to_string(mails), bar(mails, most),
               is_new ? "new" : against_usual(mails, number_at(row, "usual")),
               share(number_at(row, "held"), mails), share(number_at(row, "denied"), mails),
               std::to_string(number_at(row, "recipients")), text_at(row, "name")});
  }
  return style.heading("Since " + printable(since)) + '\n' + table.cut(style);
}

const Command top_command = {"top", "who is sending now", "mailorigin top --by script --since 15m",
                             add_options};

}  // namespace mailorigin::cli
