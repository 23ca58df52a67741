#include "mailorigind/judging/senders.h"

#include <fnmatch.h>
#include <gmime/gmime.h>

#include <algorithm>
#include <memory>

namespace mailorigin::daemon {

namespace {

struct Unref {
  void operator()(void* object) const { g_object_unref(object); }
};

std::string domain_of(const char* address) {
  const std::string_view whole = address == nullptr ? "" : address;
  const std::size_t at = whole.rfind('@');
  if (at == std::string_view::npos) return {};
  std::string domain(whole.substr(at + 1));
  if (!domain.empty() && domain.back() == '.') domain.pop_back();
  for (char& character : domain) {
    if (character >= 'A' && character <= 'Z')
      character = static_cast<char>(character + ('a' - 'A'));
  }
  return domain;
}

// True if every mailbox is of one of the domains; counts them.
bool all_belong(InternetAddressList* list, const std::vector<std::string>& domains,
                std::size_t& mailboxes) {
  for (int i = 0; i < internet_address_list_length(list); i++) {
    InternetAddress* const address = internet_address_list_get_address(list, i);
    if (INTERNET_ADDRESS_IS_GROUP(address)) {
      auto* const members = internet_address_group_get_members(INTERNET_ADDRESS_GROUP(address));
      if (!all_belong(members, domains, mailboxes)) return false;
      continue;
    }
    mailboxes++;
    const std::string domain =
        domain_of(internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(address)));
    if (std::none_of(domains.begin(), domains.end(), [&](const std::string& allowed) {
          return fnmatch(allowed.c_str(), domain.c_str(), FNM_NOESCAPE) == 0;
        })) {
      return false;
    }
  }
  return true;
}

// The at signs that a lenient reader may take for part of an address: those
// outside quoted strings and comments that close. GMime skips what it does not
// understand; a mail server may understand it.
std::size_t visible_at_signs(std::string_view list) {
  std::size_t count = 0;
  std::size_t hidden = 0;  // since the quote or comment that is open
  bool quoted = false;
  int comment = 0;
  for (std::size_t i = 0; i < list.size(); i++) {
    const char character = list[i];
    const bool inside = quoted || comment > 0;
    if (character == '\\' && inside) {
      i++;
    } else if (character == '"' && comment == 0) {
      quoted = !quoted;
      if (!quoted) hidden = 0;
    } else if (character == '(' && !quoted) {
      comment++;
    } else if (character == ')' && comment > 0 && !quoted) {
      if (--comment == 0) hidden = 0;
    } else if (character == '@') {
      (inside ? hidden : count)++;
    }
  }
  return count + hidden;
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace

bool addresses_belong_to(std::string_view list, const std::vector<std::string>& domains) {
  if (is_blank(list)) return true;
  static const bool ready = (g_mime_init(), true);
  (void)ready;
  const std::string text(list);
  if (text.find('\0') != std::string::npos) return false;
  const std::unique_ptr<GMimeParserOptions, decltype(&g_mime_parser_options_free)> options(
      g_mime_parser_options_new(), g_mime_parser_options_free);
  const std::unique_ptr<InternetAddressList, Unref> parsed(
      internet_address_list_parse(options.get(), text.c_str()));
  std::size_t mailboxes = 0;
  return parsed != nullptr && all_belong(parsed.get(), domains, mailboxes) &&
         mailboxes == visible_at_signs(text);
}

}  // namespace mailorigin::daemon
