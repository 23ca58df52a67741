#include "core/event.h"

#include <time.h>

#include <charconv>
#include <cstdio>

#include "core/name_values.h"
#include "core/text.h"

namespace mailorigin {

namespace {

constexpr std::size_t word = 64;
constexpr std::size_t number = 20;
constexpr std::size_t path = 1024;

using T = FieldType;
using S = FieldSource;

// In the order of the enumeration.
constexpr std::array<FieldInfo, field_count> fields = {{
    {"time", T::text, S::daemon, word},
    {"id", T::text, S::daemon, word},
    {"host", T::text, S::daemon, 255},
    {"kind", T::text, S::daemon, word},
    {"verdict", T::text, S::daemon, word},
    {"reason", T::text, S::daemon, word},
    {"verified", T::boolean, S::daemon, 4},
    {"vhost", T::text, S::context, 300},
    {"site", T::text, S::daemon, 300},
    {"docroot", T::text, S::context, path},
    {"entry", T::text, S::context, path},
    {"file", T::text, S::claim, path},
    {"line", T::number, S::claim, number},
    {"caller", T::text, S::claim, path + word},
    {"stack", T::text, S::claim, 4096},
    {"eval", T::boolean, S::claim, 4},
    {"function", T::text, S::claim, word},
    {"sapi", T::text, S::claim, word},
    {"pool", T::text, S::claim, word},
    {"pid", T::number, S::daemon, number},
    {"uid", T::number, S::daemon, number},
    {"gid", T::number, S::daemon, number},
    {"user", T::text, S::daemon, word},
    {"suexec_uid", T::number, S::context, number},
    {"client", T::text, S::context, word},
    {"method", T::text, S::context, word},
    {"uri", T::text, S::context, 1024},
    {"request_id", T::text, S::context, word},
    {"to", T::text, S::claim, 4096},
    {"from", T::text, S::claim, 1024},
    {"envelope_from", T::text, S::claim, 1024},
    {"recipients", T::number, S::claim, number},
    {"subject", T::text, S::claim, 2048},
    {"headers", T::text, S::claim, 16384},
    {"message_id", T::text, S::claim, 1024},
    {"size", T::number, S::claim, number},
    {"truncated", T::boolean, S::claim, 4},
    {"dst", T::text, S::daemon, word},
    {"dst_port", T::number, S::daemon, number},
    {"relay", T::text, S::daemon, word},
    {"comm", T::text, S::daemon, word},
    {"exe", T::text, S::daemon, path},
    {"detached", T::boolean, S::daemon, 4},
    {"queue_id", T::text, S::daemon, word},
    {"mail_id", T::text, S::daemon, word},
    {"cookie", T::number, S::daemon, number},
    {"uid_from", T::text, S::daemon, word},
    {"origin_from", T::text, S::daemon, word},
    {"block", T::text, S::daemon, 1536},
}};
static_assert(!fields.back().name.empty(), "one row for each Field");

// Names are looked up for every pair of every question and record: an open hash
// table over their length, first and last byte, made by the compiler.
constexpr std::size_t name_slots = 128;
constexpr std::uint8_t no_field = UINT8_MAX;

constexpr std::size_t name_slot(std::string_view name) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(name[at]); };
  return (byte(0) * 7U + byte(name.size() - 1) * 3U + name.size() * 11U) % name_slots;
}

constexpr auto field_by_name = [] {
  std::array<std::uint8_t, name_slots> table{};
  table.fill(no_field);
  for (std::size_t i = 0; i < field_count; i++) {
    std::size_t slot = name_slot(fields[i].name);
    while (table[slot] != no_field) slot = (slot + 1) % name_slots;
    table[slot] = static_cast<std::uint8_t>(i);
  }
  return table;
}();

}  // namespace

const FieldInfo& info(Field field) { return fields[static_cast<std::size_t>(field)]; }

std::optional<Field> field_named(std::string_view name) {
  if (name.empty()) return std::nullopt;
  for (std::size_t slot = name_slot(name); field_by_name[slot] != no_field;
       slot = (slot + 1) % name_slots) {
    if (fields[field_by_name[slot]].name == name) return static_cast<Field>(field_by_name[slot]);
  }
  return std::nullopt;
}

void Event::set(Field field, std::string_view value) {
  const FieldInfo& about = info(field);
  std::string& stored = values_[static_cast<std::size_t>(field)];
  switch (about.type) {
    case FieldType::text:
      stored = cut(value, about.limit);
      if (stored.size() < value.size()) set(Field::truncated, true);
      return;
    case FieldType::number:
      if (parse_number(value)) stored = value;
      return;
    case FieldType::boolean:
      if (value == "true") stored = value;
      return;
  }
}

void Event::set(Field field, std::uint64_t value) {
  char digits[number];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  values_[static_cast<std::size_t>(field)].assign(digits, end);
}

void append_event(std::string& out, const Event& event) {
  NameValueWriter writer(out);
  for (std::size_t i = 0; i < field_count; i++) {
    const std::string& value = event.get(static_cast<Field>(i));
    if (!value.empty()) writer.add(fields[i].name, value);
  }
}

std::string rfc3339(std::uint64_t milliseconds_since_epoch) {
  const auto seconds = static_cast<time_t>(milliseconds_since_epoch / 1000);
  tm utc{};
  gmtime_r(&seconds, &utc);
  char text[80];
  const int length =
      std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", utc.tm_year + 1900,
                    utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                    static_cast<int>(milliseconds_since_epoch % 1000));
  return {text, static_cast<std::size_t>(length)};
}

std::optional<std::uint64_t> parse_rfc3339(std::string_view text) {
  constexpr std::string_view shape = "dddd-dd-ddTdd:dd:dd.dddZ";
  if (text.size() != shape.size()) return std::nullopt;
  for (std::size_t i = 0; i < shape.size(); i++) {
    const bool digit = text[i] >= '0' && text[i] <= '9';
    if (shape[i] == 'd' ? !digit : text[i] != shape[i]) return std::nullopt;
  }
  const auto part = [&](std::size_t at, std::size_t length) {
    return static_cast<int>(*parse_number(text.substr(at, length)));
  };
  tm utc{};
  utc.tm_year = part(0, 4) - 1900;
  utc.tm_mon = part(5, 2) - 1;
  utc.tm_mday = part(8, 2);
  utc.tm_hour = part(11, 2);
  utc.tm_min = part(14, 2);
  utc.tm_sec = part(17, 2);
  const time_t seconds = timegm(&utc);
  if (seconds < 0) return std::nullopt;
  return static_cast<std::uint64_t>(seconds) * 1000 + static_cast<std::uint64_t>(part(20, 3));
}

}  // namespace mailorigin
