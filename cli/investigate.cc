#include "cli/investigate.h"

#include <CLI/App.hpp>
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/progress.h"
#include "cli/report.h"
#include "core/counted.h"
#include "core/socket_paths.h"
#include "investigating/file_facts.h"
#include "reports/fields.h"
#include "reports/investigate_report.h"
#include "reports/services.h"
#include "reports/sizes.h"
#include "reports/store_access.h"

namespace mailorigin::cli {

using investigating::OpenFile;
using nlohmann::json;
using namespace reports;

namespace {

constexpr std::size_t shown = 20;  // of a list; JSON has more

struct Options {
  std::string path;
  std::vector<std::string> access_logs;
  std::vector<std::string> login_logs;
  std::string clamd;
};

// Of what is not there any more: links of its directory are followed, as far as there is one.
std::string absolute(const std::string& path) {
  std::error_code fault;
  // What begins with nothing that is there would stay relative.
  const auto whole =
      std::filesystem::weakly_canonical(std::filesystem::absolute(path, fault), fault);
  return fault ? path : whole.string();
}

Result<StoreAccess> store_of(const Result<KnownHost>& host) {
  if (!host) return host.error();
  return StoreAccess::open(host->policy ? host->policy->store : StorePolicy{}, host->store_file);
}

int run(const Options& options, const Common& common) {
  OpenFile::Fault fault{};
  auto file = OpenFile::open(options.path, fault);
  if (!file && fault != OpenFile::Fault::missing) {
    complain(file.error());
    return fault == OpenFile::Fault::no_file ? exit_usage : exit_to_do;
  }
  const auto host = known_host(common.runtime_directory);
  auto store = store_of(host);
  FileQuestion question;
  question.path = absolute(options.path);
  if (file) question.file = *std::move(file);
  question.access_logs = options.access_logs;
  question.login_logs = options.login_logs;
  question.clamd = options.clamd;
  if (auto blocks = ask_blocks(control_socket(common.runtime_directory))) {
    question.blocks = *std::move(blocks);
  }
  question.now_ms = now_ms();
  const json report = [&] {
    ProgressBar bar;
    question.progress = [&](const std::string& log, std::uint64_t done, std::uint64_t total) {
      bar.show(log, done, total);
    };
    return investigate_report(question, host ? host->policy : std::nullopt, store);
  }();
  return print_report(report, common, investigate_text,
                      [](const json& each) { return flag_at(each, "found"); });
}

Run add_options(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.add_option("PATH", options->path, "a file, also one that is gone")->required();
  app.add_option("--access-log", options->access_logs, "instead of those of its virtual hosts")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_option("--login-log", options->login_logs, "instead of auth.log and its like")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app.add_option("--clamd", options->clamd, "its socket, or HOST:PORT")
      ->type_name("SOCKET")
      ->take_last();
  return [options](const Common& common) { return run(*options, common); };
}

struct Sign {
  std::string_view word;
  std::string_view text;
};
constexpr Sign signs[] = {
    {"eval-decoded", "runs what it decodes"},
    {"runs-request", "runs what a request sends"},
    {"long-line", "has lines of more than 4 KiB"},
    {"no-newlines", "is code in a single line"},
    {"obfuscated-names", "has names or text that nobody could read"},
    {"php-in-image", "is an image, or named like one, with PHP in it"},
    {"writable-by-httpd", "httpd's user can write it, or replace it"},
    {"writable-by-all", "everybody can write it"},
    {"uploads-directory", "is code where visitors' files are kept"},
    {"cache-directory", "is code where programs keep what they make"},
    {"younger", "is younger than what lies beside it"},
    {"backdated", "says that it is older than it is"},
    {"like-a-core-file", "is named like a file of WordPress, where there is none such"},
    {"hidden", "its name begins with a dot"},
    {"foreign-owner", "is not its directory's owner's"},
    {"changed-from-package", "is not as its package has it"},
    {"not-of-package", "lies among a package's files and is of none"},
};

std::string signs_text(const json& report, const Style& style) {
  const json& words = array_at(report, "signs");
  if (words.empty()) return "";
  Table table;
  for (const json& word : words) {
    const auto* const found = std::find_if(
        std::begin(signs), std::end(signs),
        [&](const Sign& each) { return word.is_string() && each.word == word.get<std::string>(); });
    if (found != std::end(signs)) table.add({std::string(found->word), std::string(found->text)});
  }
  return '\n' + style.heading("Signs of a dropped file, none of them a proof") + '\n' +
         table.wrapped(style, 2);
}

std::string file_text(const json& report, const Style& style) {
  const json& file = member(report, "file");
  std::string out = style.heading(printable(text_at(file, "path"))) + '\n';
  if (!file.contains("size")) return out + "  is not there (any more)\n";
  const std::uint64_t links = number_at(file, "links");
  out += fact(
      "owner",
      text_at(file, "owner") + ':' + text_at(file, "group") + ", mode " + text_at(file, "mode"),
      style);
  out += fact("size",
              size_text(number_at(file, "size")) +
                  (links > 1 ? ", under " + std::to_string(links) + " names" : ""),
              style);
  for (const char* time : {"modified", "changed", "born"})
    out += fact(time, text_at(file, time), style);
  out += fact("sha256", text_at(file, "sha256"), style);
  out += fact("unread", text_at(file, "unread"), style);
  out += fact("package", text_at(file, "package").empty() ? "of none" : text_at(file, "package"),
              style);
  out += fact("directory",
              text_at(file, "purpose").empty() ? "" : "for " + text_at(file, "purpose"), style);
  out += fact("vhost", text_at(file, "vhost"), style);
  if (flag_at(file, "changes_now")) out += fact("", "it was changed while it was looked at", style);
  const json& clamd = member(report, "clamd");
  const std::string verdict = text_at(clamd, "verdict");
  out += fact("clamd",
              !flag_at(clamd, "asked") ? text_at(clamd, "why")
              : verdict == "infected"  ? "infected: " + text_at(clamd, "name")
              : verdict == "clean"     ? "has nothing against it"
                                       : "error: " + text_at(clamd, "why"),
              style);
  const std::string remedy = text_at(clamd, "remedy");
  if (!remedy.empty()) out += style.lines("-> " + printable(remedy), 12, 3);
  return out;
}

std::string mail_text(const json& report, const Style& style) {
  const json& mail = member(report, "mail");
  std::string out = '\n' + style.heading("Mails sent") + '\n';
  if (mail.contains("why")) {
    const std::string remedy = text_at(mail, "remedy");
    return out + style.lines("not known: " + printable(text_at(mail, "why")), 2, 2) +
           (remedy.empty() ? "" : style.lines("-> " + printable(remedy), 2, 3));
  }
  const std::uint64_t claimed = number_at(mail, "claimed");
  const std::string left_out =
      claimed == 0 ? ""
                   : style.lines("left out: " + counted(claimed, "mail") +
                                     " of which only the sender says that it was this script",
                                 2, 2);
  if (number_at(mail, "events") == 0) return out + "  none is known\n" + left_out;
  const auto number = [&](const char* name) { return std::to_string(number_at(mail, name)); };
  out +=
      style.lines(number("events") + " to " + counted(number_at(mail, "recipients"), "recipient") +
                      ", " + number("denied") + " of them refused",
                  2, 2);
  out += left_out;
  out += fact("first", text_at(mail, "first"), style);
  out += fact("last", text_at(mail, "last"), style);
  constexpr std::size_t addresses_shown = 5;  // JSON has more
  std::string to;
  const json& addresses = array_at(mail, "to");
  for (std::size_t i = 0; i < std::min(addresses.size(), addresses_shown); i++) {
    if (addresses[i].is_string()) to += (to.empty() ? "" : ", ") + addresses[i].get<std::string>();
  }
  if (addresses.size() > addresses_shown) to += " and others";
  return out + fact("lately to", to, style);
}

std::string requests_text(const json& report, const Style& style) {
  const json& requests = member(report, "requests");
  std::string out = '\n' + style.heading("Requests") + '\n';
  if (number_at(requests, "count") == 0) {
    const std::string why = text_at(requests, "why");
    return out + style.lines(why.empty() ? "none in the access logs" : printable(why), 2, 2);
  }
  out += fact("count", std::to_string(number_at(requests, "count")), style);
  out += fact("first", text_at(requests, "first"), style);
  out += fact("last", text_at(requests, "last"), style);
  const json& clients = array_at(requests, "clients");
  Table table;
  for (std::size_t i = 0; i < std::min(clients.size(), shown); i++) {
    table.add({i == 0 ? "clients " : "", std::to_string(number_at(clients[i], "count")),
               text_at(clients[i], "address")});
  }
  out += table.text(2);
  if (clients.size() > shown) out += "  and " + std::to_string(clients.size() - shown) + " more\n";
  return out;
}

std::string logins_text(const json& report, const Style& style) {
  const json& logins = array_at(report, "logins");
  if (!member(report, "file").contains("size")) return "";
  std::string out = '\n' + style.heading("Logins, transfers and cron around its change") + '\n';
  if (logins.empty()) return out + "  none in the logs\n";
  std::string log;
  for (const json& each : logins) {
    if (text_at(each, "log") != log) {
      log = text_at(each, "log");
      out += "  " + printable(log) + ":\n";
    }
    out += style.lines(printable(text_at(each, "line")), 4, 2);
  }
  return out;
}

std::string neighbours_text(const json& report, const Style& style) {
  const json& paths = array_at(report, "neighbours");
  if (paths.empty()) return "";
  std::string out = '\n' + style.heading("Changed in the same minutes") + '\n';
  for (std::size_t i = 0; i < std::min(paths.size(), shown); i++) {
    if (paths[i].is_string()) out += "  " + printable(paths[i].get<std::string>()) + '\n';
  }
  const std::uint64_t all = number_at(report, "neighbours_count");
  if (all > shown)
    out += "  and " + std::to_string(all - std::min(paths.size(), shown)) + " more\n";
  return out;
}

std::string unread_text(const json& report, const Style& style) {
  const json& unread = array_at(report, "unread");
  if (unread.empty()) return "";
  std::string out = '\n' + style.bad("Not read") + '\n';
  for (const json& each : unread) {
    out += style.lines(printable(text_at(each, "log") + ": " + text_at(each, "why")), 2, 2);
  }
  return out;
}

}  // namespace

std::string investigate_text(const json& report, const Style& style) {
  return file_text(report, style) + signs_text(report, style) + mail_text(report, style) +
         requests_text(report, style) + logins_text(report, style) +
         neighbours_text(report, style) + unread_text(report, style) +
         advice_text(report, text_at(member(report, "file"), "vhost"), style);
}

const Command investigate_command = {
    "investigate", "what is known of a file, who brought it and what it sent",
    "mailorigin investigate /srv/shop/wp-content/uploads/x.php", add_options};

}  // namespace mailorigin::cli
