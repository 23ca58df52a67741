#include "core/queue_policy.h"

#include <cstdint>

#include "core/name_values.h"

namespace mailorigin {

namespace {

bool read_flag(std::string_view value, bool& flag) {
  flag = value == "1";
  return value == "0" || value == "1";
}

}  // namespace

std::string encode_queue_policy(const QueuePolicy& policy) {
  std::string out;
  NameValueWriter writer(out);
  writer.add("milter", std::uint64_t{policy.milter});
  writer.add("exim", std::uint64_t{policy.exim});
  if (policy.milter_uid) writer.add("milter_uid", std::uint64_t{*policy.milter_uid});
  if (policy.exim_uid) writer.add("exim_uid", std::uint64_t{*policy.exim_uid});
  writer.add("unrecorded", rule_name(policy.unrecorded));
  for (const std::uint32_t uid : policy.trusted_uids) writer.add("trusted_uid", std::uint64_t{uid});
  return out;
}

bool read_queue_policy(std::string_view bytes, QueuePolicy& policy) {
  return static_cast<bool>(each_pair("queue", bytes, [&](auto name, auto value) {
    if (name == "milter") return read_flag(value, policy.milter);
    if (name == "exim") return read_flag(value, policy.exim);
    if (name == "unrecorded") {
      const auto rule = rule_named(value);
      policy.unrecorded = rule.value_or(Rule::observe);
      return rule && *rule != Rule::deny;
    }
    const auto uid = parse_number(value, UINT32_MAX);
    if (!uid) return false;
    if (name == "milter_uid") policy.milter_uid = static_cast<std::uint32_t>(*uid);
    if (name == "exim_uid") policy.exim_uid = static_cast<std::uint32_t>(*uid);
    if (name == "trusted_uid") policy.trusted_uids.push_back(static_cast<std::uint32_t>(*uid));
    return name == "milter_uid" || name == "exim_uid" || name == "trusted_uid";
  }));
}

}  // namespace mailorigin
