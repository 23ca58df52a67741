#include "mod_mailorigin/rule_arguments.h"

#include <algorithm>
#include <cstdint>

#include "core/name_values.h"
#include "core/text.h"

namespace mailorigin::httpd {

namespace {

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

Status parse_rate(std::string_view argument, Rate& rate) {
  const auto slash = argument.find('/');
  const std::string_view name = slash == std::string_view::npos ? "" : argument.substr(slash + 1);
  const auto* const period =
      std::find_if(std::begin(rate_periods), std::end(rate_periods),
                   [&](const RatePeriod& each) { return each.name == name; });
  const auto units = parse_number(argument.substr(0, slash), rate_limit);
  if (period == std::end(rate_periods) || !units || *units == 0) {
    return Error{quoted(argument) +
                 " is not a rate: a number from 1 to 1000000000, then /second, /minute, /hour or "
                 "/day"};
  }
  rate.units = *units;
  rate.period_ns = period->nanoseconds;
  return Done{};
}

template <class Value>
struct Choice {
  std::string_view name;
  Value value;
};

template <class Value, std::size_t size>
Status choose(std::string_view option, std::string_view argument,
              const Choice<Value> (&choices)[size], Value& out) {
  std::string accepted;
  for (const auto& choice : choices) {
    if (choice.name == argument) {
      out = choice.value;
      return Done{};
    }
    accepted += (accepted.empty() ? "" : ", ") + std::string(choice.name);
  }
  return Error{std::string(option) + '=' + std::string(argument) + " is not one of " + accepted};
}

constexpr Choice<Rule> actions[] = {
    {"deny", Rule::deny}, {"hold", Rule::hold}, {"observe", Rule::observe}};

Status parse_burst(std::string_view argument, Rate& rate) {
  const auto burst = parse_number(argument, rate_limit);
  if (!burst || *burst == 0) {
    return Error{"burst=" + std::string(argument) + " is not a number from 1 to 1000000000"};
  }
  rate.burst = *burst;
  return Done{};
}

Status parse_option(std::string_view name, std::string_view value, LimitRule& limit) {
  using Per = LimitRule::Per;
  using Count = LimitRule::Count;
  constexpr Choice<Per> pers[] = {
      {"vhost", Per::vhost}, {"script", Per::script}, {"uid", Per::uid}};
  constexpr Choice<Count> counts[] = {{"mails", Count::mails}, {"recipients", Count::recipients}};
  if (name == "burst") return parse_burst(value, limit.rate);
  if (name == "per") return choose(name, value, pers, limit.per);
  if (name == "count") return choose(name, value, counts, limit.count);
  if (name == "action") return choose(name, value, actions, limit.action);
  return Error{quoted(name) + " is unknown: burst=, per=, count= and action= are accepted"};
}

bool is_label(std::string_view label) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), allowed);
}

}  // namespace

Result<Rule> parse_rule(std::string_view argument) {
  const auto rule = rule_named(argument);
  if (!rule || *rule == Rule::hold)
    return Error{quoted(argument) + " is not one of allow, observe, deny"};
  return *rule;
}

Result<Rule> parse_mail_rule(std::string_view argument) {
  const auto rule = rule_named(argument);
  if (!rule) return Error{quoted(argument) + " is not one of allow, observe, hold, deny"};
  return *rule;
}

Result<std::optional<Rule>> parse_action(std::string_view argument) {
  constexpr std::string_view option = "action=";
  if (!argument.starts_with(option)) return std::optional<Rule>();
  Rule action{};
  const Status chosen = choose("action", argument.substr(option.size()), actions, action);
  if (!chosen) return chosen.error();
  return std::optional<Rule>(action);
}

Result<LimitRule> parse_limit(const std::vector<std::string_view>& arguments) {
  LimitRule limit;
  if (arguments.empty()) return Error{"a rate is missing, as in 100/hour"};
  if (const Status rate = parse_rate(arguments[0], limit.rate); !rate) return rate.error();
  limit.rate.burst = limit.rate.units;
  std::vector<std::string_view> seen;
  for (std::size_t i = 1; i < arguments.size(); i++) {
    const auto equals = arguments[i].find('=');
    // Without a name, all of it stands in the message.
    const std::string_view name =
        arguments[i].substr(0, equals == 0 ? arguments[i].size() : equals);
    const std::string_view value =
        equals == std::string_view::npos ? "" : arguments[i].substr(equals + 1);
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
      return Error{std::string(name) + "= is given twice"};
    }
    seen.push_back(name);
    if (const Status option = parse_option(name, value, limit); !option) return option.error();
  }
  return limit;
}

Result<std::uint64_t> parse_max_recipients(std::string_view argument) {
  const auto number = parse_number(argument, rate_limit);
  if (!number || *number == 0) {
    return Error{quoted(argument) + " is not a number of recipients from 1 to 1000000000, or none"};
  }
  return *number;
}

Result<std::string> parse_domain(std::string_view argument) {
  std::string domain = lower_case(argument);
  if (!domain.empty() && domain.back() == '.') domain.pop_back();
  std::string_view rest = domain;
  if (rest.starts_with("*.")) rest.remove_prefix(2);
  bool valid = !rest.empty() && rest.size() <= 253;
  while (valid && !rest.empty()) {
    const auto dot = rest.find('.');
    valid =
        is_label(rest.substr(0, dot)) && (dot == std::string_view::npos || dot + 1 < rest.size());
    rest.remove_prefix(dot == std::string_view::npos ? rest.size() : dot + 1);
  }
  if (!valid) {
    return Error{quoted(argument) +
                 " is not a domain: letters, digits and hyphens between dots (an international one "
                 "in its xn-- form), `*.` before it for all below it, or vhost, or any"};
  }
  return domain;
}

}  // namespace mailorigin::httpd
