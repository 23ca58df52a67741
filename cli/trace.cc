#include "cli/trace.h"

#include <sys/stat.h>
#include <unistd.h>

#include <CLI/App.hpp>
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "cli/report.h"
#include "core/file.h"
#include "core/socket_paths.h"
#include "reports/fields.h"
#include "reports/services.h"
#include "reports/store_access.h"
#include "reports/trace_report.h"
#include "tracing/clues.h"
#include "tracing/mail_log.h"

namespace mailorigin::cli {

using nlohmann::json;
using namespace reports;

namespace {

// Of a mail from standard input or a file; what follows is not read.
constexpr std::size_t input_limit = 256 << 20;
constexpr std::size_t deliveries_shown = 20;  // JSON has all
constexpr std::size_t others_shown = 5;       // likewise

struct Options {
  std::string what;
  std::vector<std::string> mail_logs;
};

Result<std::string> read_all(int fd, const std::string& name) {
  std::string out;
  char block[64 << 10];
  while (out.size() < input_limit) {
    const ssize_t length = read(fd, block, sizeof block);
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return system_error(name, errno);
    if (length == 0) break;
    out.append(block, static_cast<std::size_t>(length));
  }
  return out;
}

// No id and no log's line looks like it.
bool is_path(const std::string& what) {
  const bool named = what.starts_with('/') || what.starts_with("./") || what.starts_with("../") ||
                     what.ends_with(".eml");
  return named && what.find(' ') == std::string::npos;
}

// Standard input, a file of that name, or what was said itself. An id or a log's line is itself: in
// a tenant's directory there may be a file that is called so.
Result<std::string> read_input(const std::string& what) {
  if (what == "-") return read_all(STDIN_FILENO, "standard input");
  if (what.find('\n') != std::string::npos) return what;
  if (!is_path(what) && tracing::is_known_line(what)) return what;
  struct stat about {};
  if (stat(what.c_str(), &about) != 0) {
    if (is_path(what)) return system_error(what, errno);
    return what;
  }
  const auto file = open_regular_file(what, 0);
  if (!file) return file.error();
  return read_all(file->get(), what);
}

// Whether Exim has asked mailorigind of late; nothing where that does not answer.
std::optional<bool> exim_asks(const std::string& runtime_directory) {
  const auto status = ask_status(control_socket(runtime_directory));
  if (!status) return std::nullopt;
  return flag_at(member(member(*status, "queue"), "exim"), "holds");
}

// What is named must be there: what becomes of the mail would be missing without a word.
Status check_readable(const std::vector<std::string>& logs) {
  for (const std::string& log : logs) {
    if (access(log.c_str(), R_OK) != 0) return system_error("--mail-log " + log, errno);
  }
  return Done{};
}

int run(const Options& options, const Common& common) {
  if (const Status readable = check_readable(options.mail_logs); !readable) {
    complain(readable.error());
    return exit_to_do;
  }
  const auto input = read_input(options.what);
  if (!input) {
    complain(input.error());
    return exit_to_do;
  }
  auto opened = open_store(common.runtime_directory);
  if (!opened) {
    complain(opened.error());
    return exit_to_do;
  }
  auto blocks = ask_blocks(control_socket(common.runtime_directory));
  const TraceQuestion question{
      *input, options.mail_logs.empty() ? tracing::usual_mail_logs() : options.mail_logs,
      blocks ? *std::move(blocks) : Blocks(), exim_asks(common.runtime_directory), now_ms()};
  const auto report = trace_report(question, opened->policy, opened->store);
  return print_report(report, common, trace_text,
                      [](const json& each) { return flag_at(each, "found"); });
}

Run add_options(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("WHAT", options->what, "an id, a log line, a mail's file, or - (standard input)")
      ->required();
  app.add_option("--mail-log", options->mail_logs,
                 "the mail server's log, with what is rotated of it")
      ->type_name("FILE")
      ->allow_extra_args(false);
  return [options](const Common& common) { return run(*options, common); };
}

std::string joined(const json& list) {
  std::string out;
  for (const json& each : list) {
    if (each.is_string()) out += (out.empty() ? "" : "; ") + each.get<std::string>();
  }
  return out;
}

// "shop (uid 1001), pid 4711", as far as it is known.
std::string who_text(const json& event) {
  if (!event.contains("uid")) return text_at(event, "user");
  const std::string uid = "uid " + std::to_string(number_at(event, "uid"));
  const std::string user = text_at(event, "user");
  return (user.empty() ? uid : user + " (" + uid + ')') +
         (event.contains("pid") ? ", pid " + std::to_string(number_at(event, "pid")) : "");
}

std::string event_text(const json& event, const Style& style) {
  const auto text = [&](const char* name) { return text_at(event, name); };
  const auto number = [&](const char* name) {
    return event.contains(name) ? std::to_string(number_at(event, name)) : std::string();
  };
  std::string out = style.heading(printable(text("kind") + ' ' + text("id"))) + '\n';
  out += fact("time", text("time"), style);
  out += fact("verdict", text("verdict") + (text("reason").empty() ? "" : ", " + text("reason")),
              style);
  out += fact("vhost",
              text("vhost").empty()
                  ? "of none"
                  : text("vhost") + (flag_at(event, "verified") ? "" : " (not verified)"),
              style);
  out += fact("script", text("entry"), style);
  const std::string line = text("file").empty() ? "" : text("file") + ':' + number("line");
  out += fact("line", text("caller").empty() ? line : text("caller"), style);
  out += fact("stack", text("stack"), style);
  out += fact("user", who_text(event), style);
  if (!text("client").empty()) {
    out += fact("request", text("client") + ' ' + text("method") + ' ' + text("uri"), style);
  }
  out += fact("from", text("from").empty() ? text("envelope_from") : text("from"), style);
  out += fact("to", text("to"), style);
  out += fact("subject", text("subject"), style);
  out += fact("to port", text("dst").empty() ? "" : text("dst") + ' ' + number("dst_port"), style);
  return out;
}

std::string request_text(const json& request, const Style& style) {
  std::string out;
  for (const json& line : array_at(request, "access_log")) {
    if (line.is_string()) out += style.lines(printable(line.get<std::string>()), 2, 2);
  }
  if (number_at(request, "events") > 1) {
    out += "  " + std::to_string(number_at(request, "events")) + " events of this request\n";
  }
  return out.empty() ? "" : '\n' + style.heading("Request") + '\n' + out;
}

std::string delivery_text(const json& deliveries, const Style& style) {
  if (deliveries.empty()) return "";
  std::string out = '\n' + style.heading("What became of it") + '\n';
  for (std::size_t i = 0; i < std::min(deliveries.size(), deliveries_shown); i++) {
    const json& each = deliveries[i];
    out += style.lines(printable(text_at(each, "time") + ' ' + text_at(each, "queue_id") + ' ' +
                                 text_at(each, "status") + ' ' + text_at(each, "to") + ": " +
                                 text_at(each, "text")),
                       2, 2);
  }
  if (deliveries.size() > deliveries_shown) {
    out += "  and " + std::to_string(deliveries.size() - deliveries_shown) + " more\n";
  }
  return out;
}

std::string sent_text(const json& report, const Style& style) {
  Table table;
  table.add({"", "HOUR", "DAY", "WEEK"});
  const auto add_row = [&](const std::string& name, const json& sent) {
    table.add({name, std::to_string(number_at(sent, "hour")),
               std::to_string(number_at(sent, "day")), std::to_string(number_at(sent, "week"))});
  };
  const auto add = [&](const std::string& name, const json& sent) {
    add_row(name, sent);
    for (const auto& [stopped, row] :
         {std::pair("held", "  held"), std::pair("denied", "  refused")}) {
      if (number_at(member(sent, stopped), "week") > 0) add_row(row, member(sent, stopped));
    }
  };
  const json& script = member(report, "script");
  const json& event = member(report, "event");
  if (event.contains("entry")) add("this script", script);
  if (event.contains("vhost")) add("this vhost", member(report, "vhost"));
  if (!event.contains("entry") && !event.contains("vhost")) return "";
  const std::string first = text_at(script, "first_seen");
  return '\n' + style.heading("Mails sent") + '\n' + table.text(2) +
         (first.empty() ? "" : "  the script was first seen " + printable(first) + '\n');
}

std::string candidates_text(const json& report, const Style& style) {
  const json& candidates = array_at(report, "candidates");
  if (candidates.empty()) return "";
  std::string out =
      style.lines("known by " + printable(joined(array_at(candidates[0], "why"))), 2, 2);
  if (candidates.size() == 1) return out;
  out += '\n' + style.heading("It may also be") + '\n';
  const std::size_t end = std::min(candidates.size(), 1 + others_shown);
  std::string said;
  for (std::size_t i = 1; i < end; i++) {
    const json& each = candidates[i];
    // They come by what speaks for them: that of many is said once.
    const std::string why = joined(array_at(each, "why"));
    if (why != said) out += style.lines("known by " + printable(why) + ':', 2, 2);
    said = why;
    out += style.lines(printable(text_at(each, "id") + ' ' + text_at(each, "time") + ' ' +
                                 text_at(each, "vhost") + ' ' + text_at(each, "entry")),
                       4, 2);
  }
  if (candidates.size() > end) {
    out += "    and " + std::to_string(candidates.size() - end) + " more; --json has them\n";
  }
  return out;
}

}  // namespace

std::string trace_text(const json& report, const Style& style) {
  if (!flag_at(report, "found")) {
    return style.lines("No event is known that " + printable(text_at(report, "input")) +
                           " could be of: it was not sent from here, is older than "
                           "MailOriginRetain, or passed MailOrigin by.",
                       0, 0) +
           notes_text(report, style) + delivery_text(array_at(report, "delivery"), style);
  }
  return event_text(member(report, "event"), style) + candidates_text(report, style) +
         notes_text(report, style) + request_text(member(report, "request"), style) +
         delivery_text(array_at(report, "delivery"), style) + sent_text(report, style) +
         advice_text(report, text_at(member(report, "event"), "vhost"), style);
}

const Command trace_command = {"trace", "from a bounce, id or log line to the script that sent",
                               "mailorigin trace complaint.eml", add_options};

}  // namespace mailorigin::cli
