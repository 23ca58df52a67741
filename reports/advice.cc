#include "reports/advice.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "core/made_code.h"
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

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string shell_word(const std::string& text) {
  const auto plain = [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("/:._-+,@%").find(c) != std::string_view::npos;
  };
  if (std::all_of(text.begin(), text.end(), plain)) return text;
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += R"('\'')";
    } else {
      out += c;
    }
  }
  return out + '\'';
}

// Of those that may have made it, the one that is there; the first where none is, or not any more.
std::string file_of_code(std::string_view name) {
  const auto makers = makers_of(name);
  for (auto file = makers.rbegin(); file != makers.rend(); ++file) {
    std::error_code none;
    if (file->starts_with('/') &&
        std::filesystem::exists(std::filesystem::symlink_status(*file, none))) {
      return std::string(*file);
    }
  }
  return std::string(makers.front());
}

}  // namespace

std::string blamed_script(const Event& event) {
  const std::string& caller = event.get(Field::caller);
  const std::size_t colon = caller.rfind(':');
  if (caller.starts_with('/') && colon != std::string::npos) {
    return file_of_code(std::string_view(caller).substr(0, colon));
  }
  if (event.has(Field::entry)) return event.get(Field::entry);
  return file_of_code(event.get(Field::file));
}

std::string block_command(const Event& event) {
  const std::string script = blamed_script(event);
  if (script.starts_with('/')) return "mailorigin block " + shell_word("script:" + script);
  const std::string& uid = event.get(Field::uid);
  return uid.empty() || uid == "0" ? "" : "mailorigin block " + shell_word("user:#" + uid);
}

std::vector<std::string> advice(const Event& event, const VhostPolicy* vhost) {
  // What the firewall refused needs no line more.
  if (event.get(Field::kind) == "smtp" && event.get(Field::verdict) == "deny") return {};
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
