#include "tracing/clues.h"

#include <algorithm>
#include <array>
#include <utility>

#include "core/mail/addresses.h"
#include "core/mail/header_block.h"
#include "core/month_names.h"
#include "core/name_values.h"
#include "core/text.h"
#include "core/ulid.h"

namespace mailorigin::tracing {

namespace {

bool is_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// An id that a MailOrigin could have made: of this time, not just letters.
bool is_id(std::string_view text) {
  constexpr std::uint64_t first_ms = 1'577'836'800'000;  // 2020
  constexpr std::uint64_t last_ms = 4'102'444'800'000;   // 2100
  const auto id = Ulid::parse(text);
  if (!id) return false;
  std::uint64_t ms = 0;
  for (std::size_t i = 0; i < 6; i++) ms = ms << 8 | id->bytes[i];
  return ms >= first_ms && ms < last_ms;
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return out;
}

// Whether there are any.
bool add_ids(Clues& clues, std::string_view text, std::string_view where, int weight) {
  bool found = false;
  for (std::size_t i = 0; i < text.size();) {
    if (!is_alnum(text[i])) {
      i++;
      continue;
    }
    std::size_t end = i;
    while (end < text.size() && is_alnum(text[end])) end++;
    if (end - i == Ulid::text_length && is_id(text.substr(i, end - i))) {
      clues.add(ClueKind::id, upper(text.substr(i, end - i)), where, weight);
      found = true;
    }
    i = end;
  }
  return found;
}

// What stands in angle brackets and looks like a Message-ID.
void add_message_ids(Clues& clues, std::string_view text, std::string_view where, int weight) {
  constexpr std::size_t longest = 998;
  for (std::size_t at = 0; (at = text.find('<', at)) != std::string_view::npos; at++) {
    const std::string_view rest = text.substr(at + 1, longest);
    const std::size_t end = rest.find_first_of("<> \t\r\n");
    if (end == std::string_view::npos || rest[end] != '>') continue;
    const std::string_view id = rest.substr(0, end);
    if (id.find('@') != std::string_view::npos) {
      clues.add(ClueKind::message_id, id, where, weight);
    }
  }
}

// A mail server's: Postfix's short (hexadecimal) and long ids, Exim's.
bool is_queue_id(std::string_view text) {
  const auto all = [&](auto is) { return std::all_of(text.begin(), text.end(), is); };
  if (text.size() >= 8 && text.size() <= 20 && text.size() != Ulid::text_length) {
    if (all([](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F'); })) return true;
  }
  if (text.size() >= 12 && text.size() <= 20 && text.find('z') != std::string_view::npos) {
    return all([](char c) { return is_alnum(c); });
  }
  return (text.size() == 16 && text[6] == '-' && text[13] == '-') ||
         (text.size() == 23 && text[6] == '-' && text[18] == '-');
}

// "cookie=4711", as logs and mailorigin-firewall's notices have it; empty: it is none.
std::string_view cookie_of(std::string_view text) {
  constexpr std::string_view name = "cookie=";
  if (!text.starts_with(name)) return {};
  const std::string_view number = text.substr(name.size());
  return parse_number(number, INT64_MAX) ? number : std::string_view();
}

void add_recipients(Clues& clues, std::string_view list, const std::string& where, int weight) {
  constexpr std::size_t most = 10;
  for (const std::string& address : addresses_in(list, most)) {
    if (!domain_of(address).empty()) clues.add(ClueKind::recipient, address, where, weight);
  }
}

// "Received: from … by … (Postfix, from userid 33) id 4F2C312345": the last one is where it
// began.
void add_queue_ids(Clues& clues, std::string_view received, const std::string& where, int weight) {
  for (std::size_t at = 0; (at = received.find("id ", at)) != std::string_view::npos; at += 3) {
    if (at > 0 && is_alnum(received[at - 1])) continue;
    const std::string_view rest = received.substr(at + 3);
    std::size_t end = 0;
    while (end < rest.size() && (is_alnum(rest[end]) || rest[end] == '-')) end++;
    const std::string_view id = rest.substr(0, end);
    if (is_queue_id(id)) clues.add(ClueKind::queue_id, id, where, weight);
  }
}

// The value of key=value or key="value" in a line of logfmt.
std::string logfmt_value(std::string_view line, std::string_view key) {
  const std::string wanted = std::string(key) + '=';
  for (std::size_t at = 0; (at = line.find(wanted, at)) != std::string_view::npos; at++) {
    if (at > 0 && line[at - 1] != ' ') continue;
    std::string_view value = line.substr(at + wanted.size());
    if (!value.starts_with('"')) return std::string(value.substr(0, value.find(' ')));
    std::string out;
    for (std::size_t i = 1; i < value.size() && value[i] != '"'; i++) {
      if (value[i] == '\\' && i + 1 < value.size()) i++;
      out += value[i];
    }
    return out;
  }
  return "";
}

// The value of "key":"value" in a line of JSON of ours, whose ids need no escapes.
std::string json_value(std::string_view line, std::string_view key) {
  const std::string wanted = '"' + std::string(key) + "\":\"";
  const std::size_t at = line.find(wanted);
  if (at == std::string_view::npos) return "";
  const std::string_view value = line.substr(at + wanted.size());
  return std::string(value.substr(0, value.find('"')));
}

std::uint64_t to_ms(int year, unsigned month, unsigned day, unsigned hour, unsigned minute,
                    unsigned second) {
  tm utc{};
  utc.tm_year = year - 1900;
  utc.tm_mon = static_cast<int>(month);
  utc.tm_mday = static_cast<int>(day);
  utc.tm_hour = static_cast<int>(hour);
  utc.tm_min = static_cast<int>(minute);
  utc.tm_sec = static_cast<int>(second);
  const time_t seconds = timegm(&utc);
  return seconds < 0 ? 0 : static_cast<std::uint64_t>(seconds) * 1000;
}

// PHP's mail.log: "[21-Nov-2026 12:00:00 UTC] mail() on [file:line]: To: a -- Headers: b
// -- Subject: c".
bool add_php_line(Clues& clues, std::string_view line) {
  const std::size_t script = line.find("] mail() on [");
  if (!line.starts_with('[') || script == std::string_view::npos) return false;
  char month[4] = {};
  int year = 0;
  unsigned day = 0, hour = 0, minute = 0, second = 0;
  const std::string stamp(line.substr(1, script - 1));
  if (std::sscanf(stamp.c_str(), "%2u-%3s-%4d %2u:%2u:%2u", &day, month, &year, &hour, &minute,
                  &second) == 6) {
    const auto* const found = std::find(std::begin(month_names), std::end(month_names), month);
    if (found != std::end(month_names)) {
      clues.time_ms = to_ms(year, static_cast<unsigned>(found - std::begin(month_names)), day, hour,
                            minute, second);
      // MailOrigin's own is in UTC; PHP's in its date.timezone.
      clues.time_span_ms = stamp.ends_with("UTC") ? 1000 : 86'400'000;
    }
  }
  const std::string_view rest = line.substr(script + 13);
  const std::size_t to = rest.find("]: To: ");
  const std::size_t headers = rest.find(" -- Headers: ");
  const std::size_t subject = rest.rfind(" -- Subject: ");
  clues.what = "a line of PHP's mail.log";
  clues.add(ClueKind::script, rest.substr(0, std::min(to, rest.size())), clues.what, 40);
  if (to == std::string_view::npos) return true;
  add_recipients(clues, rest.substr(to + 7, headers - to - 7), clues.what, 30);
  if (headers != std::string_view::npos) {
    add_ids(clues, rest.substr(headers), clues.what, 50);
    add_message_ids(clues, rest.substr(headers), clues.what, 20);
  }
  if (subject != std::string_view::npos) {
    clues.add(ClueKind::subject, rest.substr(subject + 13), clues.what, 20);
  }
  return true;
}

constexpr const char* any_line = "a line";

}  // namespace

void Clues::add(ClueKind kind, std::string_view value, std::string_view where, int weight) {
  constexpr std::size_t longest = 1024;
  if (value.empty() || value.size() > longest) return;
  Clue added{kind, std::string(value), std::string(where.substr(0, longest)), weight, within};
  const auto is_better = [](const Clue& a, const Clue& b) {
    return a.within != b.within ? a.within < b.within : a.weight > b.weight;
  };
  std::size_t of_kind = 0;
  Clue* worst = nullptr;
  for (Clue& each : list) {
    if (each.kind != kind) continue;
    if (each.value == value) {
      if (is_better(added, each)) each = std::move(added);
      return;
    }
    of_kind++;
    if (worst == nullptr || is_better(*worst, each)) worst = &each;
  }
  if (of_kind < clues_limit) {
    list.push_back(std::move(added));
  } else if (is_better(added, *worst)) {
    *worst = std::move(added);
  }
}

std::vector<Clue> Clues::of(ClueKind kind) const {
  std::vector<Clue> out;
  for (const Clue& each : list) {
    if (each.kind == kind) out.push_back(each);
  }
  std::stable_sort(out.begin(), out.end(), [](const Clue& a, const Clue& b) {
    return a.within != b.within ? a.within < b.within : a.weight > b.weight;
  });
  return out;
}

Clues clues_of_line(std::string_view line) {
  Clues clues;
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r' || line.back() == ' ')) {
    line.remove_suffix(1);
  }
  while (line.starts_with(' ')) line.remove_prefix(1);
  const bool one_word = line.find(' ') == std::string_view::npos;
  if (one_word && line.size() == Ulid::text_length && Ulid::parse(line)) {
    clues.what = "an id";
    clues.add(ClueKind::id, upper(line), "what was asked for", 100);
  } else if (one_word && line.find('@') != std::string_view::npos) {
    clues.what = "a Message-ID";
    const std::string_view inner =
        line.starts_with('<') && line.ends_with('>') ? line.substr(1, line.size() - 2) : line;
    clues.add(ClueKind::message_id, inner, "what was asked for", 100);
    if (inner == line) add_recipients(clues, line, "what was asked for", 10);
  } else if (one_word && is_queue_id(line)) {
    clues.what = "a queue id";
    clues.add(ClueKind::queue_id, line, "what was asked for", 100);
  } else if (one_word && !cookie_of(line).empty()) {
    clues.what = "a connection's cookie";
    clues.add(ClueKind::cookie, cookie_of(line), "what was asked for", 100);
  } else if (line.starts_with('{') && !json_value(line, "id").empty()) {
    clues.what = "a line of a MailOriginLog (json)";
    clues.add(ClueKind::id, json_value(line, "id"), clues.what, 100);
  } else if (line.find("MAILORIGIN_SMTP") != std::string_view::npos) {
    clues.what = "a firewall line";
    clues.add(ClueKind::id, logfmt_value(line, "ID"), clues.what, 100);
  } else if (is_id(logfmt_value(line, "id"))) {
    clues.what = "a line of a MailOriginLog (logfmt)";
    clues.add(ClueKind::id, logfmt_value(line, "id"), clues.what, 100);
  } else if (!add_php_line(clues, line)) {
    clues.what = any_line;
    add_clues_of_text(clues, line, "the line", 30);
    // "Nov 21 12:00:00 host postfix/smtp[7]: 4F2C312345: to=<…>"
    std::size_t begin = 0;
    while (begin < line.size()) {
      const std::size_t end = std::min(line.find_first_of(" :,;()[]", begin), line.size());
      const std::string_view word = line.substr(begin, end - begin);
      if (is_queue_id(word)) clues.add(ClueKind::queue_id, word, "the line", 60);
      begin = end + 1;
    }
  }
  return clues;
}

bool is_known_line(std::string_view line) { return clues_of_line(line).what != any_line; }

bool add_clues_of_fields(Clues& clues, std::string_view fields, const std::string& where,
                         int weight, bool is_the_mail) {
  constexpr std::size_t most_fields = 2000;
  bool has_id = false;
  HeaderBlock block(fields, HeaderBlock::Lines::ended_by_lf);
  for (std::size_t i = 0; i < most_fields; i++) {
    const auto field = block.next();
    if (!field) break;
    const std::string name(field->name);
    const std::string value = unfolded(field->body);
    const std::string place = name + " of " + where;
    const auto is = [&](std::string_view other) { return equal_ignoring_case(name, other); };
    if (is("Message-ID")) {
      add_message_ids(clues, value, place, weight);
    } else if (is("References") || is("In-Reply-To")) {
      add_message_ids(clues, value, place, weight / 4);
    } else if (is("Received")) {
      add_queue_ids(clues, value, place, weight / 2);
    } else if (is("X-Postfix-Queue-ID") || is("Original-Envelope-Id")) {
      const std::size_t begin = value.find_first_not_of(' ');
      if (begin != std::string::npos) {
        clues.add(ClueKind::queue_id, std::string_view(value).substr(begin), place, weight);
      }
    } else if (is("Final-Recipient") || is("Original-Recipient") || is("Original-Rcpt-To")) {
      add_recipients(clues, std::string_view(value).substr(value.find(';') + 1), place, 20);
    } else if (is_the_mail && (is("To") || is("Cc"))) {
      add_recipients(clues, value, place, 10);
    } else if (is_the_mail && is("Subject")) {
      const std::size_t begin = std::min(value.find_first_not_of(' '), value.size());
      clues.add(ClueKind::subject, std::string_view(value).substr(begin), place, 10);
    } else if ((is_the_mail && is("Date")) || is("Arrival-Date")) {
      if (const std::uint64_t time = parse_mail_date(value); time > 0 && clues.time_ms == 0) {
        clues.time_ms = time;
        clues.time_span_ms = 3'600'000;
      }
    }
    // Whatever it is called: MailOriginHeader names it.
    if (!is("Message-ID") && !is("References") && !is("In-Reply-To") && !is("Received")) {
      has_id = add_ids(clues, value, place, weight) || has_id;
    }
  }
  return has_id;
}

void add_clues_of_text(Clues& clues, std::string_view text, const std::string& where, int weight) {
  // Without the marks of a quotation, fields stand at the beginning of lines again.
  std::string plain;
  std::string joined;  // what was broken within a word
  plain.reserve(text.size());
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    std::string_view line = text.substr(begin, end - begin);
    begin = end + 1;
    bool quoted = false;
    while (!line.empty() && (line[0] == '>' || line[0] == '|' || (quoted && line[0] == ' '))) {
      quoted = true;
      line.remove_prefix(1);
    }
    if (line.ends_with('\r')) line.remove_suffix(1);
    plain.append(line).append("\n");
    joined.append(line.ends_with('=') ? line.substr(0, line.size() - 1) : line);
  }
  add_ids(clues, plain, where, weight);
  add_ids(clues, joined, where, weight / 2);
  add_clues_of_fields(clues, plain, where, weight, true);
  add_message_ids(clues, plain, where, weight / 2);
}

std::uint64_t parse_mail_date(std::string_view text) {
  constexpr std::size_t longest = 60;
  const std::size_t comma = text.find(',');
  std::string rest(text.substr(comma == std::string_view::npos ? 0 : comma + 1).substr(0, longest));
  unsigned day = 0, hour = 0, minute = 0, second = 0;
  int year = 0, zone = 0;
  char month[4] = {}, sign = '+';
  const int read = std::sscanf(rest.c_str(), " %2u %3s %4d %2u:%2u:%2u %c%4d", &day, month, &year,
                               &hour, &minute, &second, &sign, &zone);
  if (read < 6 || year < 1970 || year > 2200) return 0;
  const auto* const found = std::find(std::begin(month_names), std::end(month_names), month);
  if (found == std::end(month_names)) return 0;
  const std::uint64_t ms = to_ms(year, static_cast<unsigned>(found - std::begin(month_names)), day,
                                 hour, minute, second);
  if (read < 8 || ms == 0) return ms;
  const auto offset = static_cast<std::int64_t>(zone / 100 * 60 + zone % 100) * 60'000;
  return static_cast<std::uint64_t>(static_cast<std::int64_t>(ms) -
                                    (sign == '-' ? -offset : offset));
}

Clues read_clues(std::string_view input) {
  const std::size_t end = input.find_last_not_of("\r\n \t");
  const std::string_view trimmed = input.substr(0, end == std::string_view::npos ? 0 : end + 1);
  const bool one_line = trimmed.find('\n') == std::string_view::npos;
  constexpr std::size_t line_limit = 1 << 20;
  return one_line ? clues_of_line(trimmed.substr(0, line_limit)) : clues_of_mail(input);
}

}  // namespace mailorigin::tracing
