// What `mailorigin limits` asks mailorigind, and what it answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/limit_rule.h"
#include "core/result.h"
#include "core/wire/packet.h"

namespace mailorigin {

// Whom a limit counts for.
struct LimitSubject {
  enum class Kind : std::uint8_t {
    site,     // all of a user's site: per=vhost
    docroot,  // the same where it is not known whose: by its document root
    script,   // that httpd was asked for: per=script
    scripts,  // all that a user runs without a request's context: per=script
    user,     // per=uid, and per any where the mail is no site's
    foreign,  // a user that shows a context which is not its own
  };
  Kind kind = Kind::user;
  std::uint32_t uid = 0;  // of all kinds but docroot and script
  std::string name{};     // of these two
  bool operator==(const LimitSubject&) const = default;

  // As it is counted; no two subjects of different allowances have one text but user and foreign.
  [[nodiscard]] std::string text() const;
};
std::string_view limit_subject_name(LimitSubject::Kind kind);

struct ShowLimitsMessage {
  std::string site{};
  // Who may have been counted, besides whom the daemon knows: of names nothing is kept with a
  // count, and only who is asked for is found.
  std::vector<std::string> scripts{};
  std::vector<std::uint32_t> uids{};
};
std::string encode_show_limits(const ShowLimitsMessage& message);
Result<ShowLimitsMessage> decode_show_limits(std::string_view packet);

// That an administrator has had a site's limits begin anew.
struct LimitReset {
  std::string site{};          // ServerName, lower case
  std::uint64_t since_ms = 0;  // since the epoch
  std::string by{};            // the administrator's account
};
std::string encode_limit_reset(const LimitReset& reset);
Result<LimitReset> decode_limit_reset(std::string_view bytes);

struct CountedSubject {
  LimitSubject of;
  Allowance allowance;
};
// Who had used up a limit, since mailorigind has started.
struct LimitedSubject {
  LimitSubject of;
  std::uint64_t count = 0;    // of mails
  std::uint64_t held = 0;     // of these
  std::uint64_t no_hold = 0;  // of these: to be held by the limit, and refused since nobody held
  std::uint64_t last_ms = 0;  // since the epoch
  std::string last_id{};      // the event's
};
struct ShownLimit {
  LimitRule rule;
  std::vector<std::string> vhosts{};  // that have it, by name
  std::vector<CountedSubject> counted{};
  std::vector<LimitedSubject> limited{};
};
struct SiteLimits {
  std::vector<ShownLimit> limits{};
  std::optional<LimitReset> reset{};  // the last one
  std::uint64_t started_ms = 0;       // mailorigind, since the epoch
};
inline constexpr std::size_t site_limits_size_limit = 16 << 20;
std::string encode_site_limits(const SiteLimits& limits);
Result<SiteLimits> decode_site_limits(std::string_view bytes);

struct ResetLimitsMessage {
  std::string site{};
  std::string by{};  // the administrator's account
};
std::string encode_reset_limits(const ResetLimitsMessage& message);
Result<ResetLimitsMessage> decode_reset_limits(std::string_view packet);

struct LimitsResetMessage {
  std::uint64_t since_ms = 0;
  std::string not_kept{};  // why the next start of the daemon will not know of it; empty: it will
};
std::string encode_limits_reset(const LimitsResetMessage& message);
Result<LimitsResetMessage> decode_limits_reset(std::string_view packet);

}  // namespace mailorigin
