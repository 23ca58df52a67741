#include "core/wire.h"

#include <algorithm>

#include "core/name_values.h"
#include "core/text.h"

namespace mailorigin {

namespace {

constexpr std::size_t head_size = 4;
constexpr std::uint64_t page_size = 4096;  // that of struct mo_page

std::string head(MessageType type) {
  return {static_cast<char>(wire_version), static_cast<char>(type), '\0', '\0'};
}

constexpr std::string_view verdict_names[] = {"allow", "observe", "deny", "redirect"};

// Reads a packet of one type; take(name, value) returns false for a pair that
// it refuses.
template <class Take>
Status read_packet(MessageType type, std::string_view what, std::string_view packet, Take take) {
  if (message_type(packet) != type) return Error{std::string(what) + ": not such a packet"};
  NameValueReader reader(packet.substr(head_size));
  while (const auto pair = reader.next()) {
    if (!take(pair->name, pair->value)) {
      return Error{std::string(what) + ": '" + std::string(cut(pair->name, 64)) +
                   "' is unknown or has a value that is not understood"};
    }
  }
  if (reader.failed()) return Error{std::string(what) + ": the name-value pairs break off"};
  return Done{};
}

std::string_view view(const Nonce& nonce) {
  return {reinterpret_cast<const char*>(nonce.data()), nonce.size()};
}

bool read_nonce(std::string_view value, Nonce& nonce) {
  if (value.size() != nonce.size()) return false;
  std::copy(value.begin(), value.end(), nonce.begin());
  return true;
}

bool may_be_asked(Field field) {
  return info(field).source == FieldSource::claim || field == Field::entry;
}

bool read_claim(std::string_view name, std::string_view value, Event& claims) {
  const auto field = field_named(name);
  if (!field || !may_be_asked(*field)) return false;
  claims.set(*field, value);
  return true;
}

}  // namespace

std::optional<MessageType> message_type(std::string_view packet) {
  if (packet.size() < head_size || packet[0] != static_cast<char>(wire_version) || packet[2] != 0 ||
      packet[3] != 0) {
    return std::nullopt;
  }
  const auto type = static_cast<MessageType>(packet[1]);
  switch (type) {
    case MessageType::question:
    case MessageType::answer:
    case MessageType::policy:
    case MessageType::descriptors:
    case MessageType::commit:
    case MessageType::reply:
    case MessageType::notice:
    case MessageType::registration:
    case MessageType::attach:
    case MessageType::ring:
    case MessageType::process:
    case MessageType::remove:
    case MessageType::status:
    case MessageType::status_reply:
    case MessageType::show_policy:
    case MessageType::policy_shown:
      return type;
  }
  return std::nullopt;
}

std::string_view verdict_name(Verdict verdict) {
  return verdict_names[static_cast<std::size_t>(verdict)];
}

std::optional<Verdict> verdict_named(std::string_view name) {
  const auto* const found = std::find(std::begin(verdict_names), std::end(verdict_names), name);
  if (found == std::end(verdict_names)) return std::nullopt;
  return static_cast<Verdict>(found - std::begin(verdict_names));
}

std::string encode_question(const Question& question) {
  std::string packet = head(MessageType::question);
  NameValueWriter writer(packet);
  writer.add("nonce", view(question.nonce));
  // A longer one is no context; what is left of it is refused as malformed.
  const std::string_view context = question.context;
  if (!context.empty()) writer.add("context", context.substr(0, context_text_limit));
  std::size_t room = scripts_limit;
  bool cut_off = question.scripts_cut;
  for (const std::string& script : question.scripts) {
    cut_off = cut_off || script.size() > room;
    if (cut_off) break;
    room -= script.size();
    writer.add("script", script);
  }
  if (cut_off) writer.add("scripts_cut", std::uint64_t{1});
  append_event(packet, question.claims);
  return packet;
}

Result<Question> decode_question(std::string_view packet) {
  Question question;
  if (const Status decoded = decode_question(packet, question); !decoded) return decoded.error();
  return question;
}

Status decode_question(std::string_view packet, Question& question) {
  question.context.clear();
  question.claims.clear();
  question.scripts.clear();
  question.scripts_cut = false;
  bool has_nonce = false;
  const Status read = read_packet(MessageType::question, "question", packet,
                                  [&](std::string_view name, std::string_view value) {
                                    if (name == "nonce")
                                      return has_nonce = read_nonce(value, question.nonce);
                                    if (name == "script") {
                                      question.scripts.emplace_back(value);
                                      return true;
                                    }
                                    if (name == "scripts_cut") {
                                      return question.scripts_cut = value == "1";
                                    }
                                    if (name != "context")
                                      return read_claim(name, value, question.claims);
                                    question.context = value;
                                    return value.size() <= context_text_limit;
                                  });
  if (!read) return read.error();
  if (!has_nonce) return Error{"question: no nonce"};
  return Done{};
}

std::string encode_answer(const Answer& answer) {
  std::string packet = head(MessageType::answer);
  NameValueWriter writer(packet);
  writer.add("nonce", view(answer.nonce));
  writer.add("verdict", verdict_name(answer.verdict));
  writer.add("recorded", std::uint64_t{answer.recorded});
  if (!answer.id.empty()) writer.add("id", answer.id);
  if (!answer.reason.empty()) writer.add("reason", answer.reason);
  if (answer.retry_after > 0) writer.add("retry_after", answer.retry_after);
  for (const auto& [name, value] : answer.headers) {
    writer.add("header", name);
    writer.add("value", value);
  }
  return packet;
}

Result<Answer> decode_answer(std::string_view packet) {
  Answer answer;
  bool has_verdict = false;
  const Status read = read_packet(
      MessageType::answer, "answer", packet, [&](std::string_view name, std::string_view value) {
        if (name == "nonce") return read_nonce(value, answer.nonce);
        if (name == "verdict") {
          const auto verdict = verdict_named(value);
          answer.verdict = verdict.value_or(Verdict::deny);
          return has_verdict = verdict.has_value();
        }
        if (name == "recorded") {
          answer.recorded = value == "1";
          return value == "0" || value == "1";
        }
        if (name == "retry_after") {
          const auto seconds = parse_number(value);
          answer.retry_after = seconds.value_or(0);
          return seconds.has_value();
        }
        if (name == "header") answer.headers.emplace_back(value, "");
        if (name == "value") {
          if (answer.headers.empty()) return false;
          answer.headers.back().second = value;
        }
        if (name == "id") answer.id = value;
        if (name == "reason") answer.reason = value;
        return name == "header" || name == "value" || name == "id" || name == "reason";
      });
  if (!read) return read.error();
  if (!has_verdict) return Error{"answer: no verdict"};
  return answer;
}

std::string encode_registration(const Registration& registration) {
  std::string packet = head(MessageType::registration);
  NameValueWriter writer(packet);
  writer.add("nonce", view(registration.nonce));
  writer.add("context", std::string_view(registration.context).substr(0, context_text_limit));
  if (registration.page != 0) writer.add("page", registration.page);
  return packet;
}

Result<Registration> decode_registration(std::string_view packet) {
  Registration registration;
  bool has_nonce = false;
  const Status read =
      read_packet(MessageType::registration, "registration", packet,
                  [&](std::string_view name, std::string_view value) {
                    if (name == "nonce") return has_nonce = read_nonce(value, registration.nonce);
                    if (name == "context") {
                      registration.context = value;
                      return value.size() <= context_text_limit;
                    }
                    const auto page = parse_number(value, UINT64_MAX);
                    registration.page = page.value_or(0);
                    return name == "page" && page.has_value() && *page % page_size == 0;
                  });
  if (!read) return read.error();
  if (!has_nonce) return Error{"registration: no nonce"};
  return registration;
}

std::string encode_policy_message(const PolicyMessage& message) {
  std::string packet = head(MessageType::policy);
  NameValueWriter writer(packet);
  writer.add("instance", message.instance);
  writer.add("key", message.keys.current.bytes());
  if (message.keys.previous) writer.add("previous_key", message.keys.previous->bytes());
  return packet;
}

Result<PolicyMessage> decode_policy_message(std::string_view packet) {
  PolicyMessage message;
  bool has_key = false;
  const Status read = read_packet(MessageType::policy, "policy", packet,
                                  [&](std::string_view name, std::string_view value) {
                                    if (name == "instance") {
                                      message.instance = value;
                                      return true;
                                    }
                                    const auto key = SealKey::from_bytes(value);
                                    if (!key) return false;
                                    if (name == "key") {
                                      message.keys.current = *key;
                                      return has_key = true;
                                    }
                                    message.keys.previous = *key;
                                    return name == "previous_key";
                                  });
  if (!read) return read.error();
  if (!has_key) return Error{"policy: no key"};
  return message;
}

std::string encode_descriptors_message(std::size_t first_target) {
  std::string packet = head(MessageType::descriptors);
  NameValueWriter(packet).add("first", std::uint64_t{first_target});
  return packet;
}

Result<std::size_t> decode_descriptors_message(std::string_view packet) {
  std::optional<std::uint64_t> first;
  const Status read = read_packet(MessageType::descriptors, "descriptors", packet,
                                  [&](std::string_view name, std::string_view value) {
                                    first = parse_number(value, UINT32_MAX);
                                    return name == "first" && first.has_value();
                                  });
  if (!read) return read.error();
  if (!first) return Error{"descriptors: 'first' is missing"};
  return static_cast<std::size_t>(*first);
}

std::string encode_head(MessageType type) { return head(type); }

std::string encode_reply(std::string_view error) {
  std::string packet = head(MessageType::reply);
  NameValueWriter(packet).add("error", error);
  return packet;
}

Result<std::string> decode_reply(std::string_view packet) {
  std::string error;
  const Status read = read_packet(MessageType::reply, "reply", packet,
                                  [&](std::string_view name, std::string_view value) {
                                    error = value;
                                    return name == "error";
                                  });
  if (!read) return read.error();
  return error;
}

std::string encode_notice(const Notice& notice) {
  std::string packet = head(MessageType::notice);
  NameValueWriter writer(packet);
  writer.add("level", static_cast<std::uint64_t>(notice.level));
  writer.add("text", notice.text);
  return packet;
}

Result<Notice> decode_notice(std::string_view packet) {
  Notice notice;
  const Status read = read_packet(
      MessageType::notice, "notice", packet, [&](std::string_view name, std::string_view value) {
        if (name == "text") {
          notice.text = value;
          return true;
        }
        const auto level = parse_number(value, static_cast<std::uint64_t>(Notice::Level::info));
        if (name != "level" || !level ||
            *level < static_cast<std::uint64_t>(Notice::Level::error)) {
          return false;
        }
        notice.level = static_cast<Notice::Level>(*level);
        return true;
      });
  if (!read) return read.error();
  return notice;
}

std::string encode_status_reply(std::string_view json) {
  std::string packet = head(MessageType::status_reply);
  NameValueWriter(packet).add("status", json);
  return packet;
}

Result<std::string> decode_status_reply(std::string_view packet) {
  std::string json;
  const Status read = read_packet(MessageType::status_reply, "status", packet,
                                  [&](std::string_view name, std::string_view value) {
                                    json = value;
                                    return name == "status";
                                  });
  if (!read) return read.error();
  return json;
}

}  // namespace mailorigin
