#include "reports/advice.h"

#include <string_view>

#include "reports/directives.h"

namespace mailorigin::reports {

namespace {

// An expression for this path and no other.
std::string expression_of(const std::string& path) {
  std::string out = "^";
  for (const char c : path) {
    if (std::string_view("\\^$.|?*+()[]{}").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out + '$';
}

}  // namespace

std::string blamed_script(const Event& event) {
  const std::string& caller = event.get(Field::caller);
  const std::size_t colon = caller.rfind(':');
  if (caller.starts_with('/') && colon != std::string::npos) return caller.substr(0, colon);
  return event.get(event.has(Field::entry) ? Field::entry : Field::file);
}

std::vector<std::string> advice(const Event& event, const VhostPolicy* vhost) {
  if (!event.has(Field::vhost)) {
    return {event.get(Field::kind) == "smtp" ? "MailOriginSmtp deny" : "MailOriginUnverified deny"};
  }
  if (event.get(Field::kind) == "smtp") return {"MailOriginSmtp deny"};
  std::vector<std::string> out;
  if (const std::string script = blamed_script(event); !script.empty()) {
    // A list of its own takes the place of the server's: what was in force stays so.
    if (vhost != nullptr) {
      for (const ScriptRule& rule : vhost->denied_scripts) {
        out.push_back("MailOriginDenyScript " + script_text(rule));
      }
    }
    out.push_back("MailOriginDenyScript " + quoted_argument(expression_of(script)));
  }
  out.emplace_back("MailOriginSend hold");
  out.emplace_back("MailOriginSend deny");
  return out;
}

}  // namespace mailorigin::reports
