#include "core/wire/limiting.h"

#include <utility>

#include "core/blocks.h"
#include "core/enumeration.h"
#include "core/name_values.h"
#include "core/ulid.h"

namespace mailorigin {

namespace {

constexpr std::string_view subject_names[] = {"site",    "docroot", "script",
                                              "scripts", "user",    "foreign"};

bool take_number(std::string_view value, std::uint64_t& out, std::uint64_t most = UINT64_MAX) {
  const auto number = parse_number(value, most);
  if (number) out = *number;
  return number.has_value();
}

bool take_text(std::string_view value, std::string& out, std::size_t limit) {
  out = value;
  return value.size() <= limit;
}

bool take_site(std::string_view value, std::string& out) {
  return take_text(value, out, block_name_limit) && !out.empty();
}

std::string encode_subject(const LimitSubject& subject) {
  std::string out;
  NameValueWriter writer(out);
  writer.add("kind", limit_subject_name(subject.kind));
  writer.add("uid", std::uint64_t{subject.uid});
  writer.add("name", subject.name);
  return out;
}

bool read_subject(std::string_view bytes, LimitSubject& subject) {
  return static_cast<bool>(each_pair("of", bytes, [&](auto name, auto value) {
    if (name == "name") {
      subject.name = value;
      return true;
    }
    if (name == "uid") {
      const auto uid = parse_number(value, UINT32_MAX);
      subject.uid = static_cast<std::uint32_t>(uid.value_or(0));
      return uid.has_value();
    }
    const auto kind = value_named<LimitSubject::Kind>(value, subject_names);
    subject.kind = kind.value_or(LimitSubject::Kind::user);
    return name == "kind" && kind.has_value();
  }));
}

std::string encode_counted(const CountedSubject& counted) {
  std::string out;
  NameValueWriter writer(out);
  writer.add("of", encode_subject(counted.of));
  writer.add("used", counted.allowance.used);
  writer.add("next_ns", counted.allowance.next_ns);
  writer.add("whole_ns", counted.allowance.whole_ns);
  return out;
}

bool read_counted(std::string_view bytes, CountedSubject& counted) {
  return static_cast<bool>(each_pair("counted", bytes, [&](auto name, auto value) {
    if (name == "of") return read_subject(value, counted.of);
    if (name == "used") return take_number(value, counted.allowance.used);
    if (name == "next_ns") return take_number(value, counted.allowance.next_ns);
    return name == "whole_ns" && take_number(value, counted.allowance.whole_ns);
  }));
}

std::string encode_limited(const LimitedSubject& limited) {
  std::string out;
  NameValueWriter writer(out);
  writer.add("of", encode_subject(limited.of));
  writer.add("count", limited.count);
  if (limited.held > 0) writer.add("held", limited.held);
  if (limited.no_hold > 0) writer.add("no_hold", limited.no_hold);
  writer.add("last", limited.last_ms);
  writer.add("id", limited.last_id);
  return out;
}

bool read_limited(std::string_view bytes, LimitedSubject& limited) {
  const Status read = each_pair("limited", bytes, [&](auto name, auto value) {
    if (name == "of") return read_subject(value, limited.of);
    if (name == "count") return take_number(value, limited.count);
    if (name == "held") return take_number(value, limited.held);
    if (name == "no_hold") return take_number(value, limited.no_hold);
    if (name == "last") return take_number(value, limited.last_ms);
    limited.last_id = value;
    return name == "id" && Ulid::parse(value).has_value();
  });
  return read && !limited.last_id.empty();
}

std::string encode_shown(const ShownLimit& limit) {
  std::string out;
  NameValueWriter writer(out);
  writer.add("rule", encode_limit(limit.rule));
  for (const std::string& vhost : limit.vhosts) writer.add("vhost", vhost);
  for (const CountedSubject& each : limit.counted) writer.add("counted", encode_counted(each));
  for (const LimitedSubject& each : limit.limited) writer.add("limited", encode_limited(each));
  return out;
}

bool read_shown(std::string_view bytes, ShownLimit& limit) {
  return static_cast<bool>(each_pair("limit", bytes, [&](auto name, auto value) {
    if (name == "rule") return read_limit(value, limit.rule);
    if (name == "counted") return read_counted(value, limit.counted.emplace_back());
    if (name == "limited") return read_limited(value, limit.limited.emplace_back());
    limit.vhosts.emplace_back(value);
    return name == "vhost";
  }));
}

}  // namespace

std::string LimitSubject::text() const {
  switch (kind) {
    case Kind::site:
      return "site of uid " + std::to_string(uid);
    case Kind::docroot:
      return "vhost " + name;
    case Kind::script:
      return "script " + name;
    case Kind::scripts:
      return "scripts of uid " + std::to_string(uid);
    case Kind::user:
    case Kind::foreign:
      break;
  }
  return "uid " + std::to_string(uid);
}

std::string_view limit_subject_name(LimitSubject::Kind kind) {
  return name_of(kind, subject_names);
}

std::string encode_show_limits(const ShowLimitsMessage& message) {
  std::string packet = encode_head(MessageType::show_limits);
  NameValueWriter writer(packet);
  writer.add("site", message.site);
  for (const std::string& script : message.scripts) writer.add("script", script);
  for (const std::uint32_t uid : message.uids) writer.add("uid", std::uint64_t{uid});
  return packet;
}

Result<ShowLimitsMessage> decode_show_limits(std::string_view packet) {
  ShowLimitsMessage message;
  const Status read =
      read_packet(MessageType::show_limits, "limits", packet,
                  [&](std::string_view name, std::string_view value) {
                    if (name == "site") return take_site(value, message.site);
                    if (name == "script") {
                      return take_text(value, message.scripts.emplace_back(), block_name_limit);
                    }
                    const auto uid = parse_number(value, UINT32_MAX);
                    if (uid) message.uids.push_back(static_cast<std::uint32_t>(*uid));
                    return name == "uid" && uid.has_value();
                  });
  if (!read) return read.error();
  if (message.site.empty()) return Error{"limits: no site"};
  return message;
}

std::string encode_limit_reset(const LimitReset& reset) {
  std::string out;
  NameValueWriter writer(out);
  writer.add("site", reset.site);
  writer.add("since", reset.since_ms);
  writer.add("by", reset.by);
  return out;
}

Result<LimitReset> decode_limit_reset(std::string_view bytes) {
  LimitReset reset;
  const Status read = each_pair("reset", bytes, [&](std::string_view name, std::string_view value) {
    if (name == "site") return take_site(value, reset.site);
    if (name == "since") return take_number(value, reset.since_ms);
    return name == "by" && take_text(value, reset.by, block_author_limit);
  });
  if (!read) return read.error();
  if (reset.site.empty()) return Error{"reset: no site"};
  return reset;
}

std::string encode_site_limits(const SiteLimits& limits) {
  std::string out;
  NameValueWriter writer(out);
  for (const ShownLimit& limit : limits.limits) writer.add("limit", encode_shown(limit));
  if (limits.reset) writer.add("reset", encode_limit_reset(*limits.reset));
  writer.add("started", limits.started_ms);
  return out;
}

Result<SiteLimits> decode_site_limits(std::string_view bytes) {
  SiteLimits limits;
  const Status read =
      each_pair("limits", bytes, [&](std::string_view name, std::string_view value) {
        if (name == "limit") return read_shown(value, limits.limits.emplace_back());
        if (name == "started") return take_number(value, limits.started_ms);
        auto reset = decode_limit_reset(value);
        if (name != "reset" || !reset) return false;
        limits.reset = *std::move(reset);
        return true;
      });
  if (!read) return read.error();
  return limits;
}

std::string encode_reset_limits(const ResetLimitsMessage& message) {
  std::string packet = encode_head(MessageType::reset_limits);
  NameValueWriter writer(packet);
  writer.add("site", message.site);
  writer.add("by", message.by);
  return packet;
}

Result<ResetLimitsMessage> decode_reset_limits(std::string_view packet) {
  ResetLimitsMessage message;
  const Status read =
      read_packet(MessageType::reset_limits, "reset", packet,
                  [&](std::string_view name, std::string_view value) {
                    if (name == "site") return take_site(value, message.site);
                    return name == "by" && take_text(value, message.by, block_author_limit);
                  });
  if (!read) return read.error();
  if (message.site.empty()) return Error{"reset: no site"};
  return message;
}

std::string encode_limits_reset(const LimitsResetMessage& message) {
  std::string packet = encode_head(MessageType::limits_reset);
  NameValueWriter writer(packet);
  writer.add("since", message.since_ms);
  if (!message.not_kept.empty()) writer.add("not_kept", message.not_kept);
  return packet;
}

Result<LimitsResetMessage> decode_limits_reset(std::string_view packet) {
  LimitsResetMessage message;
  const Status read = read_packet(MessageType::limits_reset, "reset", packet,
                                  [&](std::string_view name, std::string_view value) {
                                    if (name == "since") {
                                      return take_number(value, message.since_ms);
                                    }
                                    message.not_kept = value;
                                    return name == "not_kept";
                                  });
  if (!read) return read.error();
  return message;
}

}  // namespace mailorigin
