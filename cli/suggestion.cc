#include "cli/suggestion.h"

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "cli/output.h"
#include "core/counted.h"
#include "reports/directives.h"
#include "reports/fields.h"

namespace mailorigin::cli {

using nlohmann::json;
using namespace reports;

namespace {

constexpr std::string_view inside = "    ";

// One directive; as a comment where there is a doubt about it.
std::string lines_of(const json& suggestion, bool explained, std::string_view indent) {
  std::string out;
  if (explained) {
    out.append(indent).append("# " + counted(number_at(suggestion, "connections"), "connection") +
                              " on " + counted(number_at(suggestion, "days"), "day") + " up to " +
                              printable(text_at(suggestion, "last")));
    const std::string program = text_at(suggestion, "program");
    out += program.empty() ? "" : ", by " + printable(program);
    const json& causes = array_at(suggestion, "causes");
    if (!causes.empty()) out += ", led by " + printable(causes[0].get<std::string>());
    if (causes.size() > 1) out += " and " + std::to_string(causes.size() - 1) + " more";
    out += '\n';
  }
  const std::string doubt = text_at(suggestion, "doubt");
  out.append(indent).append(doubt.empty() ? "" : "# " + printable(doubt) + ": ");
  return out + printable(text_at(suggestion, "directive")) + '\n';
}

std::string section_of(const json& site, bool explained) {
  const json& suggestions = array_at(site, "suggestions");
  const bool all_doubtful =
      std::all_of(suggestions.begin(), suggestions.end(),
                  [](const json& each) { return !text_at(each, "doubt").empty(); });
  // A section that says nothing is left to whoever takes a line of it.
  const std::string mark = all_doubtful ? "# " : "";
  const std::string name = printable(quoted_argument(text_at(site, "site")));
  std::string out = mark + "<MailOriginSite " + name + ">\n";
  std::string allowed;
  for (const json& each : array_at(site, "allowed")) {
    allowed += ' ' + printable(each.get<std::string>());
  }
  if (!allowed.empty()) {
    if (explained) out.append(inside).append("# what it is allowed already\n");
    out.append(mark).append(inside).append("MailOriginSmtpAllow" + allowed + '\n');
  }
  for (const json& each : suggestions) out += lines_of(each, explained, inside);
  return out + mark + "</MailOriginSite>\n";
}

}  // namespace

std::string suggestion_text(const json& report, bool explained) {
  const json& users = array_at(report, "users");
  const json& sites = array_at(report, "sites");
  std::string out;
  if (explained) {
    out += "# " + counted(number_at(report, "connections"), "connection") +
           " observed or refused since " + printable(text_at(report, "since")) + '\n';
  }
  if (!flag_at(report, "complete")) {
    out += "# There are too many different ones: the rarest are not looked at.\n";
  }
  for (const json& each : users) out += lines_of(each, explained, "");
  for (const json& each : sites) out += section_of(each, explained);
  for (const json& each : array_at(report, "left_out")) {
    out += "# Left out: " + counted(number_at(each, "connections"), "connection") + " of " +
           printable(text_at(each, "text")) + '\n';
  }
  if (users.empty() && sites.empty()) out += "# There is nothing to suggest.\n";
  return out;
}

}  // namespace mailorigin::cli
