#include "core/wire/asking.h"

#include "core/abi/layout.h"
#include "core/wire/sixteen_bytes.h"

namespace mailorigin {

namespace {

bool may_be_asked(Field field) {
  return info(field).source == FieldSource::claim || field == Field::entry;
}

bool read_claim(std::string_view name, std::string_view value, Event& claims) {
  // A plugin of before this was the daemon's word still says it, in a worker that an
  // upgrade left running.
  if (name == info(Field::kind).name) return true;
  const auto field = field_named(name);
  if (!field || !may_be_asked(*field)) return false;
  claims.set(*field, value);
  return true;
}

}  // namespace

std::string encode_question(const Question& question) {
  std::string packet = encode_head(MessageType::question);
  NameValueWriter writer(packet);
  writer.add("nonce", view(question.nonce));
  // A longer one is no context; what is left of it is refused as malformed.
  const std::string_view context = question.context;
  if (!context.empty()) writer.add("context", context.substr(0, context_text_limit));
  if (!question.directory.empty()) {
    writer.add("directory", std::string_view(question.directory).substr(0, directory_limit));
  }
  std::size_t room = scripts_limit;
  bool cut_off = question.scripts_cut;
  for (const std::string& script : question.scripts) {
    cut_off = cut_off || script.size() > room;
    if (cut_off) break;
    room -= script.size();
    writer.add("script", script);
  }
  if (cut_off) writer.add("scripts_cut", std::uint64_t{1});
  if (question.submitted) writer.add("submitted", std::uint64_t{1});
  if (question.recipients) writer.add("recipient_digest", view(*question.recipients));
  if (!question.ticket.empty()) writer.add("ticket", question.ticket);
  append_event(packet, question.claims);
  return packet;
}

Result<Question> decode_question(std::string_view packet) {
  Question question;
  if (const Status decoded = decode_question(packet, question); !decoded) return decoded.error();
  return question;
}

namespace {

// One pair of a question; false for one that is not understood.
bool read_pair(std::string_view name, std::string_view value, Question& question) {
  if (name == "script") {
    question.scripts.emplace_back(value);
    return true;
  }
  if (name == "directory") {
    question.directory = value;
    return value.size() <= directory_limit;
  }
  if (name == "scripts_cut") return question.scripts_cut = value == "1";
  if (name == "submitted") return question.submitted = value == "1";
  if (name == "recipient_digest") return read_bytes(value, question.recipients.emplace());
  if (name == "ticket") {
    question.ticket = value;
    return value.size() == Ulid::text_length;
  }
  if (name != "context") return read_claim(name, value, question.claims);
  question.context = value;
  return value.size() <= context_text_limit;
}

}  // namespace

Status decode_question(std::string_view packet, Question& question) {
  question.context.clear();
  question.directory.clear();
  question.claims.clear();
  question.scripts.clear();
  question.scripts_cut = false;
  question.submitted = false;
  question.recipients.reset();
  question.ticket.clear();
  std::size_t scripts_size = 0;
  bool has_nonce = false;
  const Status read =
      read_packet(MessageType::question, "question", packet,
                  [&](std::string_view name, std::string_view value) {
                    if (name == "nonce") return has_nonce = read_bytes(value, question.nonce);
                    if (name == "script") scripts_size += value.size();
                    return scripts_size <= scripts_limit && read_pair(name, value, question);
                  });
  if (!read) return read.error();
  if (!has_nonce) return Error{"question: no nonce"};
  return Done{};
}

std::string encode_answer(const Answer& answer) {
  std::string packet = encode_head(MessageType::answer);
  NameValueWriter writer(packet);
  writer.add("nonce", view(answer.nonce));
  writer.add("verdict", verdict_name(answer.verdict));
  writer.add("recorded", std::uint64_t{answer.recorded});
  if (!answer.id.empty()) writer.add("id", answer.id);
  if (!answer.reason.empty()) writer.add("reason", answer.reason);
  if (answer.retry_after > 0) writer.add("retry_after", answer.retry_after);
  if (!answer.explanation.empty()) writer.add("explanation", answer.explanation);
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
        if (name == "nonce") return read_bytes(value, answer.nonce);
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
        if (name == "explanation") {
          answer.explanation = value;
          return value.size() <= explanation_limit;
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
  std::string packet = encode_head(MessageType::registration);
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
                    if (name == "nonce") return has_nonce = read_bytes(value, registration.nonce);
                    if (name == "context") {
                      registration.context = value;
                      return value.size() <= context_text_limit;
                    }
                    const auto page = parse_number(value, UINT64_MAX);
                    registration.page = page.value_or(0);
                    return name == "page" && page.has_value() && *page % mo_page_size == 0;
                  });
  if (!read) return read.error();
  if (!has_nonce) return Error{"registration: no nonce"};
  return registration;
}

std::string encode_hello(std::string_view context) {
  std::string packet = encode_head(MessageType::hello);
  NameValueWriter(packet).add("context", context.substr(0, context_text_limit));
  return packet;
}

Result<std::string_view> decode_hello(std::string_view packet) {
  std::string_view context;
  const Status read = read_packet(MessageType::hello, "hello", packet,
                                  [&](std::string_view name, std::string_view value) {
                                    context = value;
                                    return name == "context" && value.size() <= context_text_limit;
                                  });
  if (!read) return read.error();
  return context;
}

}  // namespace mailorigin
