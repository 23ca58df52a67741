#include "cli/block.h"

#include <CLI/App.hpp>
#include <memory>
#include <optional>

#include "cli/report.h"
#include "cli/span.h"
#include "core/blocks.h"
#include "reports/block_report.h"
#include "reports/fields.h"

namespace mailorigin::cli {

using nlohmann::json;
using namespace reports;

namespace {

struct Options {
  std::string whom;
  bool all = false;
  bool hold = false;
  std::string span;
  std::string reason;
};

void add_subject(CLI::App& app, Options& options) {
  app.add_option("WHOM", options.whom, "site:NAME, script:PATH, user:NAME, client:ADDRESS")
      ->check([](const std::string& text) {
        const auto subject = parse_block_subject(text);
        return subject ? std::string() : subject.error().message;
      });
}

int run_block(const Options& options, const Common& common) {
  BlockWish wish{*parse_block_subject(options.whom), options.hold, {}, options.reason};
  if (!options.span.empty()) wish.lasts_ms = parse_span(options.span);
  return print_report(block(common.runtime_directory, wish), common, block_text,
                      [](const json&) { return true; });
}

int run_unblock(const Options& options, const Common& common) {
  if (options.all == !options.whom.empty()) {
    complain("unblock takes one of site:NAME, script:PATH, user:NAME and client:ADDRESS, or --all");
    return exit_usage;
  }
  std::optional<BlockSubject> subject;
  if (!options.all) subject = *parse_block_subject(options.whom);
  return print_report(unblock(common.runtime_directory, subject), common, unblock_text,
                      [](const json& report) { return !array_at(report, "unblocked").empty(); });
}

int run_blocks(const Common& common) {
  return print_report(
      blocks_report(common.runtime_directory), common, blocks_text, [](const json& report) {
        return !array_at(report, "blocks").empty() && array_at(report, "notes").empty();
      });
}

Run add_block_options(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  add_subject(app, *options);
  app.get_option("WHOM")->required();
  app.add_flag("--hold", options->hold, "mail is held, not refused")->disable_flag_override();
  app.add_option("--for", options->span, "30m, 2h, 7d; else until further notice")
      ->type_name("SPAN")
      ->check([](const std::string& text) {
        return parse_span(text) ? "" : "is no time like 30m, 2h or 7d";
      });
  app.add_option("--reason", options->reason, "why; who is refused is told as well")
      ->type_name("TEXT")
      ->check([](const std::string& text) {
        return text.size() <= block_reason_limit ? "" : "is longer than 200 bytes";
      });
  return [options](const Common& common) { return run_block(*options, common); };
}

Run add_unblock_options(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  add_subject(app, *options);
  app.add_flag("--all", options->all, "each one that there is")->disable_flag_override();
  return [options](const Common& common) { return run_unblock(*options, common); };
}

std::string terms_text(const json& block) {
  const std::string until = text_at(block, "until");
  const std::string reason = text_at(block, "reason");
  const std::string real = text_at(block, "real_path");
  return (text_at(block, "action") == "hold" ? "held " : "refused ") +
         (until.empty() ? std::string("until further notice") : "until " + until) + ", by " +
         text_at(block, "by") + " since " + text_at(block, "since") +
         (real.empty() ? "" : ", also as " + real) + (reason.empty() ? "" : ": " + reason);
}

}  // namespace

std::string block_line(const json& block, const Style& style, std::size_t indent) {
  return style.lines(printable(text_at(block, "block")) + ' ' + printable(terms_text(block)),
                     indent, 2);
}

std::string block_text(const json& block, const Style& style) {
  return block_line(block, style) + notes_text(block, style);
}

std::string unblock_text(const json& report, const Style& style) {
  const json& ended = array_at(report, "unblocked");
  if (ended.empty()) return "That is not blocked; `mailorigin blocks` lists what is.\n";
  std::string out;
  for (const json& each : ended) {
    out += "no longer blocked: " + printable(text_at(each, "block")) + '\n';
  }
  return out + notes_text(report, style);
}

std::string blocks_text(const json& report, const Style& style) {
  std::string out;
  for (const json& each : array_at(report, "blocks")) out += block_line(each, style);
  if (out.empty()) out = "Nothing is blocked.\n";
  return out + notes_text(report, style);
}

const Command block_command = {"block", "stop a site, script, user or client now",
                               "mailorigin block site:shop.example --for 2h --reason spam",
                               add_block_options};
const Command unblock_command = {"unblock", "end a block, or all of them",
                                 "mailorigin unblock site:shop.example", add_unblock_options};
const Command blocks_command = {"blocks", "what is blocked: by whom, why, until when",
                                "mailorigin blocks", [](CLI::App&) { return Run(run_blocks); }};

}  // namespace mailorigin::cli
