#include "core/format.h"

#include <time.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/month_names.h"
#include "core/name_values.h"
#include "core/text.h"

namespace mailorigin {

namespace {

// What a field shows where its value is not known, as in httpd's own logs.
constexpr std::string_view unknown = "-";

std::string_view shown(const Event& event, Field field) {
  if (event.has(field)) return event.get(field);
  return field == Field::verified ? "false" : unknown;
}

// PHP's own mail.log: ext/standard/mail.c, php_mail(). Its time is in PHP's
// date.timezone, which the daemon does not know; UTC is PHP's default. PHP writes as they
// are the bytes that append_one_line() escapes: its line may look like another one.
void append_php(std::string& out, const Event& event) {
  const auto milliseconds = parse_rfc3339(event.get(Field::time)).value_or(0);
  const auto seconds = static_cast<time_t>(milliseconds / 1000);
  tm utc{};
  gmtime_r(&seconds, &utc);
  char stamp[96];
  std::snprintf(stamp, sizeof stamp, "[%02d-%.3s-%04d %02d:%02d:%02d UTC] mail() on [", utc.tm_mday,
                month_names[static_cast<std::size_t>(utc.tm_mon)].data(), utc.tm_year + 1900,
                utc.tm_hour, utc.tm_min, utc.tm_sec);
  out += stamp;
  append_one_line(out, event.has(Field::file) ? event.get(Field::file) : "[no active file]");
  out += ':';
  out += event.has(Field::line) ? event.get(Field::line) : "0";
  out += "]: To: ";
  append_one_line(out, event.get(Field::to));
  out += " -- Headers: ";
  append_one_line(out, event.get(Field::headers));
  out += " -- Subject: ";
  append_one_line(out, event.get(Field::subject));
}

// Bytes of a logfmt value that may stand without quotes.
constexpr auto bare = [] {
  std::array<bool, 256> table{};
  for (std::size_t byte = 0x21; byte < 0x7F; byte++) table[byte] = true;
  table['"'] = table['='] = table['\\'] = false;
  return table;
}();

bool needs_quotes(std::string_view value) {
  for (const char character : value) {
    if (!bare[static_cast<unsigned char>(character)]) return true;
  }
  return false;
}

// One line in which no quote ends what a format put into quotes.
void append_escaped(std::string& out, std::string_view value) {
  std::size_t plain = 0;  // start of bytes that need no backslash
  for (std::size_t at = 0; at < value.size(); at++) {
    if (value[at] != '"' && value[at] != '\\') continue;
    append_one_line(out, value.substr(plain, at - plain));
    out += '\\';
    out += value[at];
    plain = at + 1;
  }
  append_one_line(out, value.substr(plain));
}

void append_logfmt(std::string& out, const Event& event) {
  bool first = true;
  for (std::size_t i = 0; i < field_count; i++) {
    const auto field = static_cast<Field>(i);
    if (!event.has(field) && field != Field::verified) continue;
    const std::string_view value = shown(event, field);
    if (!first) out += ' ';
    first = false;
    out += info(field).name;
    out += '=';
    if (needs_quotes(value)) {
      out += '"';
      append_escaped(out, value);
      out += '"';
    } else {
      out += value;
    }
  }
}

void append_json(std::string& out, const Event& event) {
  nlohmann::ordered_json object;
  for (std::size_t i = 0; i < field_count; i++) {
    const auto field = static_cast<Field>(i);
    const FieldInfo& about = info(field);
    const std::string& value = event.get(field);
    const std::string key(about.name);
    if (about.type == FieldType::boolean) {
      if (!value.empty() || field == Field::verified) object[key] = !value.empty();
    } else if (value.empty()) {
      continue;
    } else if (const auto number = parse_number(value); number && about.type == FieldType::number) {
      object[key] = *number;
    } else {
      std::string line = value;
      for (char& character : line) {
        if (character == '\r' || character == '\n') character = ' ';
      }
      object[key] = std::move(line);
    }
  }
  // ASCII only: what is not UTF-8 is replaced, everything unusual is \uXXXX.
  const std::size_t begin = out.size();
  out += object.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace);
  // The one control character that JSON lets stand, within strings alone.
  for (std::size_t at = begin; (at = out.find('\x7f', at)) != std::string::npos;) {
    out.replace(at, 1, "\\u007f");
  }
}

std::string field_names() {
  std::string names;
  for (std::size_t i = 0; i < field_count; i++) {
    if (i > 0) names += ' ';
    names += info(static_cast<Field>(i)).name;
  }
  return names;
}

}  // namespace

std::optional<Format> Format::predefined(std::string_view name) {
  Format format;
  if (name == "php") {
    format.kind_ = Kind::php;
  } else if (name == "logfmt") {
    format.kind_ = Kind::logfmt;
  } else if (name == "json") {
    format.kind_ = Kind::json;
  } else {
    return std::nullopt;
  }
  return format;
}

Result<Format> Format::parse(std::string_view text) {
  Format format;
  std::string literal;
  const auto flush = [&] {
    if (!literal.empty()) format.items_.emplace_back(std::move(literal));
    literal.clear();
  };
  while (!text.empty()) {
    if (text[0] != '%') {
      const std::size_t length = std::min(text.find('%'), text.size());
      append_one_line(literal, text.substr(0, length));
      text.remove_prefix(length);
    } else if (text.starts_with("%%")) {
      literal += '%';
      text.remove_prefix(2);
    } else if (text.starts_with("%{") && text.find('}') != std::string_view::npos) {
      const std::size_t end = text.find('}');
      const std::string_view name = text.substr(2, end - 2);
      const auto field = field_named(name);
      if (!field) {
        return Error{"%{" + std::string(name) + "} is not a field; the fields are " +
                     field_names()};
      }
      flush();
      format.items_.emplace_back(*field);
      text.remove_prefix(end + 1);
    } else {
      return Error{"'" + std::string(text.substr(0, 12)) +
                   "' is not understood: a % stands before {name} or another %"};
    }
  }
  flush();
  return format;
}

void Format::append(std::string& out, const Event& event) const {
  switch (kind_) {
    case Kind::php:
      append_php(out, event);
      return;
    case Kind::logfmt:
      append_logfmt(out, event);
      return;
    case Kind::json:
      append_json(out, event);
      return;
    case Kind::custom:
      break;
  }
  for (const Item& item : items_) {
    if (const auto* literal = std::get_if<std::string>(&item)) {
      out += *literal;
    } else {
      append_escaped(out, shown(event, *std::get_if<Field>(&item)));
    }
  }
}

}  // namespace mailorigin
