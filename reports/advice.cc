#include "reports/advice.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include "core/made_code.h"
#include "core/name_values.h"
#include "core/text.h"
#include "reports/backing.h"
#include "reports/directives.h"

namespace mailorigin::reports {

namespace {

// What was no text is in the store in other characters, and so is no file's name any more.
bool is_of_store_alone(const std::string& path) {
  std::error_code none;
  return path.find('\\') != std::string::npos &&
         !std::filesystem::exists(std::filesystem::symlink_status(path, none));
}

// An expression for this path and no other, in characters that every terminal shows.
std::string expression_of(const std::string& path) {
  const bool is_shown = one_line(path) == path;
  std::string out = "^";
  for (const char c : path) {
    if (!is_shown && (c < 0x20 || c > 0x7E)) {
      out += "\\x";
      append_hex(out, static_cast<unsigned char>(c));
      continue;
    }
    if (std::string_view("\\^$.|?*+()[]{}").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out + '$';
}

// Whether a file can be blocked for all sites on this event's account.
bool can_be_blocked(const Event& event, const std::string& path) {
  // What a terminal does not show as it is would be another path when it is pasted.
  if (!path.starts_with('/') || one_line(path) != path || is_of_store_alone(path)) return false;
  // Asked about a file alone.
  return !event.has(Field::uid) || is_own_script(event, path);
}

constexpr std::string_view firewall_on = "MailOriginFirewall On";
constexpr std::string_view unverified_denied = "MailOriginUnverified deny";

bool is_connection(const Event& event) { return event.get(Field::kind) == "smtp"; }

// One that the firewall can still stop: of those that it has refused, the script's mail is left.
bool is_open_connection(const Event& event) {
  return is_connection(event) && event.get(Field::verdict) != "deny";
}

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
  if (!is_open_connection(event)) {
    for (const std::string& script : {blamed_script(event), event.get(Field::entry)}) {
      if (can_be_blocked(event, script))
        return "mailorigin block " + shell_word("script:" + script);
    }
  }
  const std::string& site = event.get(Field::site);
  if (!site.empty()) return "mailorigin block " + shell_word("site:" + site);
  const std::string& uid = event.get(Field::uid);
  return uid.empty() || uid == "0" ? "" : "mailorigin block " + shell_word("user:#" + uid);
}

std::vector<const Block*> blocks_of(const Event& event, const Blocks& blocks,
                                    std::uint64_t now_ms) {
  std::vector<const Block*> out;
  const auto take = [&](const Block* block) {
    const bool known = std::find(out.begin(), out.end(), block) != out.end();
    if (block != nullptr && !known && !block->is_over(now_ms)) out.push_back(block);
  };
  take(blocks.of_site(event.get(Field::site)));
  if (const auto uid = parse_number(event.get(Field::uid), UINT32_MAX)) {
    take(blocks.of_user(static_cast<std::uint32_t>(*uid)));
  }
  // The firewall knows no others.
  if (is_open_connection(event)) return out;
  for (const std::string& script : {blamed_script(event), event.get(Field::entry)}) {
    // Whoever says so himself says something else of the next one.
    if (!event.has(Field::uid) || is_backed(event, script)) take(blocks.of_script(script));
  }
  if (const auto client = parse_ip_address(event.get(Field::client))) {
    blocks.of_client(*client, [&](const Block& block) { take(&block); });
  }
  return out;
}

std::vector<std::string> advice(const Event& event, const Policy* policy) {
  const VhostPolicy* vhost = nullptr;
  if (policy != nullptr) {
    for (const VhostPolicy& each : policy->vhosts) {
      if (each.name == event.get(Field::vhost)) vhost = &each;
    }
  }
  if (is_connection(event)) {
    // What the firewall refused needs no line more.
    if (event.get(Field::verdict) == "deny") return {};
    std::vector<std::string> out;
    const VhostPolicy* const rules = vhost != nullptr    ? vhost
                                     : policy != nullptr ? &policy->server
                                                         : nullptr;
    if (rules == nullptr || rules->smtp.rule != SmtpRule::deny)
      out.emplace_back("MailOriginSmtp deny");
    if (out.empty() && policy->firewall.mode != FirewallMode::on) {
      out.emplace_back(firewall_on);
    }
    return out;
  }
  if (!event.has(Field::vhost)) return {std::string(unverified_denied)};
  std::vector<std::string> out;
  if (const std::string script = blamed_script(event); !script.empty()) {
    const std::string line = "MailOriginDenyScript " + quoted_argument(expression_of(script));
    // A list of its own takes the place of the server's: what was in force stays so.
    if (vhost != nullptr) {
      for (const ScriptRule& rule : vhost->denied_scripts) {
        out.push_back("MailOriginDenyScript " + script_text(rule));
      }
    }
    if (std::find(out.begin(), out.end(), line) != out.end()) {
      out.clear();
    } else {
      out.push_back(line);
    }
  }
  const Rule send = vhost != nullptr ? vhost->send : Rule::allow;
  if (send != Rule::hold && send != Rule::deny) out.emplace_back("MailOriginSend hold");
  if (send != Rule::deny) out.emplace_back("MailOriginSend deny");
  return out;
}

bool is_of_server(std::string_view advice_line) {
  return advice_line == firewall_on || advice_line == unverified_denied;
}

}  // namespace mailorigin::reports
