#include "reports/import_report.h"

#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/counted.h"
#include "core/name_values.h"
#include "core/text.h"

namespace mailorigin::reports {

using nlohmann::json;

namespace {

constexpr std::size_t account_limit = 32;

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (const auto part = trimmed(text.substr(0, end)); !part.empty()) parts.push_back(part);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::string_view unquoted(std::string_view value) {
  if (value.size() >= 2 && (value[0] == '"' || value[0] == '\'') && value.back() == value[0]) {
    return value.substr(1, value.size() - 2);
  }
  return value;
}

bool is_name(std::string_view text) {
  const auto may_stand = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  };
  return !text.empty() && text.size() <= account_limit && text[0] != '-' &&
         std::all_of(text.begin(), text.end(), may_stand);
}

class Import {
 public:
  explicit Import(const IsThere& is_there) : is_there_(is_there) {}

  json csf(std::string_view text) {
    read(text);
    firewall("SMTP_BLOCK", "1");
    ports("SMTP_PORTS");
    const std::string users = take("SMTP_ALLOWUSER");
    const std::string groups = take("SMTP_ALLOWGROUP");
    for (const std::string_view user : split(users, ',')) account(user);
    for (const std::string_view group : split(groups, ',')) account('@' + std::string(group));
    add_accounts();
    if (const auto local = take("SMTP_ALLOWLOCAL"); !local.empty()) {
      add(local == "1" ? "MailOriginSmtpLocal allow" : "MailOriginSmtpLocal deny");
    }
    if (take("SMTP_REDIRECT") == "1") add("MailOriginSmtp redirect 127.0.0.1:25");
    limit();
    say_rest([](const std::string& name) {
      return name.starts_with("SMTP") || name.starts_with("LF_SCRIPT") || name.starts_with("RT_");
    });
    return done();
  }

  json asl(std::string_view text) {
    read(text);
    firewall("FW_OUTPUT_MTA", "yes");
    for (const std::string& line : plain_lines_) account(line);
    add_accounts();
    say_rest([](const std::string& name) { return name.starts_with("FW_OUTPUT_MTA"); });
    return done();
  }

 private:
  // NAME = "value"; what has no `=` is kept as it is. Of a name that is set twice the last counts.
  void read(std::string_view text) {
    for (std::string_view line : split(text, '\n')) {
      if (line[0] == '#') continue;
      const std::size_t equals = line.find('=');
      if (equals == std::string_view::npos) {
        plain_lines_.emplace_back(line);
        continue;
      }
      const std::string_view value = trimmed(line.substr(equals + 1));
      const std::size_t comment = value.find(" #");
      settings_[std::string(trimmed(line.substr(0, equals)))] =
          unquoted(trimmed(value.substr(0, comment)));
    }
  }

  std::string take(const char* name) {
    const auto found = settings_.find(name);
    if (found == settings_.end()) return "";
    std::string value = std::move(found->second);
    settings_.erase(found);
    return value;
  }

  void firewall(const char* name, std::string_view on) {
    const std::string value = take(name);
    if (value.empty()) return;
    add(equal_ignoring_case(value, on) ? "MailOriginFirewall On" : "MailOriginFirewall Off");
  }

  void ports(const char* name) {
    std::string line;
    const std::string list = take(name);
    for (const std::string_view port : split(list, ',')) {
      const auto number = parse_number(port, 65535);
      if (number && *number > 0) {
        line += ' ' + std::to_string(*number);
      } else {
        note(std::string(name) + ": not a port: " + std::string(port));
      }
    }
    if (!line.empty()) add("MailOriginSmtpPorts" + line);
  }

  void account(std::string_view text) {
    const bool is_group = text.starts_with('@');
    const std::string whom(text);
    if (!is_name(text.substr(is_group ? 1 : 0))) {
      note("not a user or group: " + whom);
    } else if (is_there_(whom)) {
      accounts_ += ' ' + whom;
    } else {
      note("MailOriginSmtpUsers: left out, for this machine does not have it: " + whom);
    }
  }

  void add_accounts() {
    if (!accounts_.empty()) add("MailOriginSmtpUsers" + accounts_);
  }

  // lfd looks at an hour's mails of one script.
  void limit() {
    const std::string alert = take("LF_SCRIPT_ALERT");
    const std::string value = take("LF_SCRIPT_LIMIT");
    const bool refuses = take("LF_SCRIPT_PERM") == "1";
    if (alert != "1") return;
    const auto most = parse_number(value, 1'000'000'000);
    if (!most || *most == 0) {
      note("LF_SCRIPT_LIMIT: not a number of mails: " + value);
      return;
    }
    add("MailOriginLimit " + std::to_string(*most) + "/hour per=script" +
        (refuses ? "" : " action=observe"));
    if (refuses) {
      note("LF_SCRIPT_PERM: the script keeps its mode; its mails beyond the limit are refused");
    }
  }

  template <class IsAboutMail>
  void say_rest(IsAboutMail is_about_mail) {
    std::size_t others = 0;
    for (const auto& [name, value] : settings_) {
      if (is_about_mail(name)) {
        note(name + ": no directive does this");
      } else {
        others++;
      }
    }
    if (others > 0) {
      note(counted(others, "other setting is", "other settings are") + " not about outgoing mail");
    }
  }

  void add(std::string line) { directives_.push_back(std::move(line)); }
  void note(std::string text) { notes_.push_back(std::move(text)); }

  json done() {
    if (directives_.empty()) note("nothing about outgoing mail is set in this file");
    return {{"directives", directives_}, {"notes", notes_}};
  }

  const IsThere& is_there_;
  std::map<std::string, std::string> settings_;
  std::vector<std::string> plain_lines_;
  std::string accounts_;
  std::vector<std::string> directives_;
  std::vector<std::string> notes_;
};

}  // namespace

std::optional<Product> product_named(std::string_view name) {
  if (name == "csf") return Product::csf;
  if (name == "asl") return Product::asl;
  return std::nullopt;
}

json import_report(Product product, std::string_view text, const IsThere& is_there) {
  return product == Product::csf ? Import(is_there).csf(text) : Import(is_there).asl(text);
}

bool account_is_there(const std::string& account) {
  return account.starts_with('@') ? getgrnam(account.c_str() + 1) != nullptr
                                  : getpwnam(account.c_str()) != nullptr;
}

}  // namespace mailorigin::reports
