// One MailOriginLimit.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>

#include "core/rates.h"
#include "core/rule.h"

namespace mailorigin {

struct LimitRule {
  enum class Per : std::uint8_t { vhost, script, uid };
  enum class Count : std::uint8_t { mails, recipients };
  Rate rate;
  Per per = Per::vhost;
  Count count = Count::mails;
  Rule action = Rule::deny;
  std::string place{};  // "file:line" of the directive; empty: not known

  // Whether they say the same, wherever.
  bool operator==(const LimitRule& other) const {
    return std::tie(rate, per, count, action) ==
           std::tie(other.rate, other.per, other.count, other.action);
  }
};

// As pairs; see docs/formats.md, Policy.
std::string encode_limit(const LimitRule& limit);
// False for what is unknown or malformed, or no limit.
bool read_limit(std::string_view bytes, LimitRule& limit);

}  // namespace mailorigin
