#include "cli/report.h"

#include <algorithm>
#include <chrono>

#include "cli/block.h"
#include "reports/advice.h"
#include "reports/fields.h"

namespace mailorigin::cli {

using namespace reports;

std::uint64_t now_ms() {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(
      duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
}

void print_facts(const nlohmann::json& report, const Common& common,
                 std::string (*text)(const nlohmann::json& report, const Style& style)) {
  if (common.json) {
    print_json(report);
  } else {
    print(text(report, Style::of_stdout()));
  }
}

int print_report(const Result<nlohmann::json>& report, const Common& common,
                 std::string (*text)(const nlohmann::json& report, const Style& style),
                 bool (*found)(const nlohmann::json& report)) {
  if (!report) {
    complain(report.error());
    return exit_to_do;
  }
  print_facts(*report, common, text);
  return found(*report) ? exit_well : exit_to_do;
}

std::string notes_text(const nlohmann::json& report, const Style& style) {
  std::string out;
  for (const nlohmann::json& note : array_at(report, "notes")) {
    if (note.is_string()) out += style.lines("-> " + printable(note.get<std::string>()), 2, 3);
  }
  return out;
}

std::string fact(const std::string& name, const std::string& value, const Style& style) {
  constexpr std::size_t column = 10;
  if (value.empty()) return "";
  std::string padded = name;
  padded.resize(std::max(column, name.size() + 1), ' ');
  return style.lines(padded + printable(value), 2, column);
}

namespace {

// Whole, to be pasted: the narrowest line does something, the others are there to be chosen. A
// list goes together: what was in force stays so.
std::string section_text(const nlohmann::json& directives, const nlohmann::json& place,
                         const Style& style) {
  const std::string own = text_at(place, "own");
  std::string out = style.lines(
      "for good, this in " +
          (own.empty() ? "a file of your own that httpd reads" : printable(own)) + ", since " +
          printable(text_at(place, "why")) + "; then `apachectl graceful`:",
      2, 0);
  out += "    <MailOriginSite " + printable(text_at(place, "site")) + ">\n";
  std::string chosen;
  for (const nlohmann::json& line : directives) {
    if (!line.is_string()) continue;
    const std::string text = line.get<std::string>();
    const std::string name = text.substr(0, text.find(' '));
    if (chosen.empty()) chosen = name;
    out += std::string("        ") + (name == chosen ? "" : "# or: ") + printable(text) + '\n';
  }
  return out + "    </MailOriginSite>\n";
}

}  // namespace

std::string advice_text(const nlohmann::json& report, const std::string& vhost,
                        const Style& style) {
  const nlohmann::json& directives = array_at(report, "advice");
  const std::string command = text_at(report, "block");
  const nlohmann::json& blocked = array_at(report, "blocked");
  if (directives.empty() && command.empty() && blocked.empty()) return "";
  std::string out = '\n' + style.heading("To stop it") + '\n';
  if (!blocked.empty()) out += "  it is blocked now:\n";
  for (const nlohmann::json& each : blocked) out += block_line(each, style, 4);
  // Commands and directives are there to be pasted: not broken.
  if (!command.empty()) out += "  at once:\n    " + printable(command) + '\n';
  if (directives.empty()) return out;
  const nlohmann::json& place = member(report, "place");
  const bool of_server = vhost.empty() || (directives[0].is_string() &&
                                           is_of_server(directives[0].get<std::string>()));
  if (!of_server && flag_at(place, "section")) return out + section_text(directives, place, style);
  out +=
      style.lines((directives.size() == 1 ? "for good, this in " : "for good, one of these in ") +
                      (of_server ? std::string("httpd.conf, outside of any <VirtualHost>")
                                 : "the <VirtualHost> of " + printable(vhost)) +
                      ", then `apachectl graceful`:",
                  2, 0);
  for (const nlohmann::json& line : directives) {
    if (line.is_string()) out += "    " + printable(line.get<std::string>()) + '\n';
  }
  return out;
}

}  // namespace mailorigin::cli
