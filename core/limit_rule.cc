#include "core/limit_rule.h"

#include <optional>

#include "core/enumeration.h"
#include "core/name_values.h"

namespace mailorigin {

namespace {

constexpr std::string_view per_names[] = {"vhost", "script", "uid"};
constexpr std::string_view count_names[] = {"mails", "recipients"};

template <class Value>
bool take(const std::optional<Value>& read, Value& out) {
  if (read) out = *read;
  return read.has_value();
}

}  // namespace

std::string encode_limit(const LimitRule& limit) {
  std::string out;
  NameValueWriter writer(out);
  writer.add("units", limit.rate.units);
  writer.add("period_ns", limit.rate.period_ns);
  writer.add("burst", limit.rate.burst);
  writer.add("per", name_of(limit.per, per_names));
  writer.add("count", name_of(limit.count, count_names));
  writer.add("action", rule_name(limit.action));
  if (!limit.place.empty()) writer.add("place", limit.place);
  return out;
}

bool read_limit(std::string_view bytes, LimitRule& limit) {
  const Status read = each_pair("limit", bytes, [&](auto name, auto value) {
    if (name == "units") return take(parse_number(value, rate_limit), limit.rate.units);
    if (name == "period_ns") return take(parse_number(value), limit.rate.period_ns);
    if (name == "burst") return take(parse_number(value, rate_limit), limit.rate.burst);
    if (name == "per") return take(value_named<LimitRule::Per>(value, per_names), limit.per);
    if (name == "count") {
      return take(value_named<LimitRule::Count>(value, count_names), limit.count);
    }
    if (name == "action") {
      return take(rule_named(value), limit.action) && limit.action != Rule::allow;
    }
    limit.place = value;
    return name == "place";
  });
  return read && limit.rate.units > 0 && limit.rate.period_ns > 0 && limit.rate.burst > 0;
}

}  // namespace mailorigin
