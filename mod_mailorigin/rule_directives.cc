#include "mod_mailorigin/rule_directives.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "core/pattern.h"
#include "core/text.h"
#include "mod_mailorigin/directive.h"
#include "mod_mailorigin/rule_arguments.h"

namespace mailorigin::httpd {

namespace {

const char* set_rule(cmd_parms* cmd, std::optional<Rule>& field, const Result<Rule>& rule) {
  if (!rule) return wrong(cmd, rule.error().message);
  field = *rule;
  return nullptr;
}

// Whether a list of arguments is the one word that empties what stands before.
Result<bool> empties(const char* word, int count, char* const arguments[]) {
  const bool given = std::any_of(arguments, arguments + count, [&](const char* argument) {
    return strcasecmp(argument, word) == 0;
  });
  if (given && count > 1) return Error{std::string("'") + word + "' stands alone in its line"};
  return given;
}

// Takes a leading "action=" off the arguments.
Result<std::optional<Rule>> take_action(int& count, char* const*& arguments) {
  if (count == 0) return std::optional<Rule>();
  auto action = parse_action(arguments[0]);
  if (action && *action) {
    count--;
    arguments++;
  }
  return action;
}

}  // namespace

// MailOriginSend
const char* set_send(cmd_parms* cmd, const char* argument) {
  return set_rule(cmd, target_of(cmd).send, parse_mail_rule(argument));
}

// MailOriginDenyScript
const char* add_denied_scripts(cmd_parms* cmd, int count, char* const arguments[]) {
  const auto none = empties("none", count, arguments);
  if (!none) return wrong(cmd, none.error().message);
  const auto action = take_action(count, arguments);
  if (!action) return wrong(cmd, action.error().message);
  if (count == 0) return wrong(cmd, "a regular expression is missing; or none");
  auto& scripts = ensure(cmd, target_of(cmd).denied_scripts);
  if (*none) scripts.clear();
  for (int i = 0; i < count && !*none; i++) {
    if (const auto compiled = Pattern::compile(arguments[i]); !compiled) {
      return wrong(cmd, "not a regular expression: " + compiled.error().message);
    }
    scripts.push_back({arguments[i], action->value_or(Rule::deny)});
  }
  return nullptr;
}

// MailOriginLimit
const char* add_limit(cmd_parms* cmd, int count, char* const arguments[]) {
  if (count == 0) return wrong(cmd, "a rate is missing, as in 100/hour; or none");
  auto& limits = ensure(cmd, target_of(cmd).limits);
  if (count == 1 && strcasecmp(arguments[0], "none") == 0) {
    limits.clear();
    return nullptr;
  }
  auto limit = parse_limit({arguments, arguments + count});
  if (!limit) return wrong(cmd, limit.error().message);
  limit->place = place_of(cmd).text();
  limits.push_back(*std::move(limit));
  return nullptr;
}

// MailOriginMaxRecipients
const char* set_max_recipients(cmd_parms* cmd, const char* argument, const char* option) {
  RecipientsRule rule;
  if (strcasecmp(argument, "none") == 0) {
    if (option != nullptr) return wrong(cmd, "'none' takes no action");
    target_of(cmd).max_recipients = rule;
    return nullptr;
  }
  const auto number = parse_max_recipients(argument);
  if (!number) return wrong(cmd, number.error().message);
  rule.most = *number;
  if (option != nullptr) {
    const auto action = parse_action(option);
    if (!action) return wrong(cmd, action.error().message);
    if (!*action)
      return wrong(cmd, "'" + std::string(option) + "' is not action=deny|hold|observe");
    rule.action = **action;
  }
  target_of(cmd).max_recipients = rule;
  return nullptr;
}

// MailOriginSender. Its lines are one list, with one action: that of the last line
// that has one.
const char* add_sender_domains(cmd_parms* cmd, int count, char* const arguments[]) {
  const auto any = empties("any", count, arguments);
  if (!any) return wrong(cmd, any.error().message);
  const auto action = take_action(count, arguments);
  if (!action) return wrong(cmd, action.error().message);
  if (count == 0) return wrong(cmd, "a domain is missing; or vhost, or any");
  SenderRule& rule = ensure(cmd, target_of(cmd).sender);
  if (*any) rule = {};
  if (*action) rule.action = **action;
  for (int i = 0; i < count && !*any; i++) {
    if (equal_ignoring_case(arguments[i], own_domains)) {
      rule.domains.emplace_back(own_domains);
      continue;
    }
    auto domain = parse_domain(arguments[i]);
    if (!domain) return wrong(cmd, domain.error().message);
    rule.domains.push_back(*std::move(domain));
  }
  return nullptr;
}

// MailOriginUnverified
const char* set_unverified(cmd_parms* cmd, const char* argument) {
  return set_rule(cmd, server_target_of(cmd).unverified, parse_rule(argument));
}

}  // namespace mailorigin::httpd
