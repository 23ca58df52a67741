#include "mailorigind/journal/event_record.h"

#include <algorithm>
#include <string>

#include "core/name_values.h"
#include "core/wire/sixteen_bytes.h"

namespace mailorigin::daemon {

namespace {

// No field's name begins with an @.
constexpr std::string_view policy_name = "@policy";
constexpr std::string_view nonce_name = "@nonce";
constexpr std::string_view header_name = "@header";
constexpr std::string_view value_name = "@value";
constexpr std::string_view retry_name = "@retry_after";
constexpr std::string_view explanation_name = "@explanation";
constexpr std::string_view connection_name = "@connection";
constexpr std::string_view recipients_name = "@recipients";
constexpr std::string_view redeemed_name = "@redeemed";
constexpr std::string_view gate_name = "@gate";
constexpr std::string_view asker_name = "@asker";

// Of "a@b, -C, c@d": "a@b, c@d, ".
std::string without_options(std::string_view senders) {
  std::string out;
  while (!senders.empty()) {
    const std::size_t end = std::min(senders.find(", "), senders.size());
    const std::string_view sender = senders.substr(0, end);
    senders.remove_prefix(std::min(end + 2, senders.size()));
    if (sender.starts_with('-') && sender.find('@') == sender.npos) continue;
    out += sender;
    out += ", ";
  }
  return out;
}

}  // namespace

void append_payload(std::string& out, std::uint32_t policy, const Answer& answer,
                    const Event& event, const std::optional<RecipientDigest>& recipients) {
  NameValueWriter writer(out);
  writer.add(policy_name, std::uint64_t{policy});
  writer.add(nonce_name, view(answer.nonce));
  if (recipients) writer.add(recipients_name, view(*recipients));
  if (answer.retry_after > 0) writer.add(retry_name, answer.retry_after);
  if (!answer.explanation.empty()) writer.add(explanation_name, answer.explanation);
  for (const auto& [name, value] : answer.headers) {
    writer.add(header_name, name);
    writer.add(value_name, value);
  }
  append_event(out, event);
}

void append_queue_payload(std::string& out, std::uint32_t policy, const Answer& answer,
                          const Event& event, std::uint32_t asker) {
  append_payload(out, policy, answer, event);
  NameValueWriter(out).add(asker_name, std::uint64_t{asker});
}

void append_connection(std::string& out, std::uint32_t policy, std::string_view number,
                       const Event& event) {
  NameValueWriter writer(out);
  writer.add(policy_name, std::uint64_t{policy});
  writer.add(connection_name, number);
  append_event(out, event);
}

void append_redemption(std::string& out, const Redemption& redemption) {
  NameValueWriter writer(out);
  writer.add(redeemed_name, redemption.id);
  writer.add(gate_name, redemption.gate);
  writer.add(nonce_name, view(redemption.nonce));
}

std::optional<Redemption> payload_redemption(std::string_view payload) {
  NameValueReader reader(payload);
  const auto first = reader.next();
  if (!first || first->name != redeemed_name) return std::nullopt;
  const auto second = reader.next();
  const auto third = reader.next();
  const auto gate =
      second && second->name == gate_name ? parse_number(second->value) : std::nullopt;
  Redemption redemption{first->value, gate.value_or(0), {}};
  if (!gate || !third || !read_bytes(third->value, redemption.nonce)) return std::nullopt;
  return redemption;
}

std::optional<std::uint32_t> payload_policy(std::string_view payload) {
  const auto first = NameValueReader(payload).next();
  if (first && first->name == redeemed_name) return std::nullopt;
  if (!first || first->name != policy_name) return 0;
  return static_cast<std::uint32_t>(parse_number(first->value, UINT32_MAX).value_or(0));
}

std::optional<std::string_view> payload_connection(std::string_view payload) {
  NameValueReader reader(payload);
  reader.next();  // whose logs
  const auto second = reader.next();
  if (!second || second->name != connection_name) return std::nullopt;
  return second->value;
}

void read_event(std::string_view payload, Event& event) {
  event.clear();
  NameValueReader reader(payload);
  while (const auto pair = reader.next()) {
    if (const auto field = field_named(pair->name)) event.set(*field, pair->value);
  }
}

bool payload_repeats(std::string_view payload, const Event& claims) {
  Event event;
  read_event(payload, event);
  for (std::size_t i = 0; i < field_count; i++) {
    const auto field = static_cast<Field>(i);
    if (field == Field::truncated) continue;  // the daemon has its say in it
    if (info(field).source == FieldSource::claim && event.get(field) != claims.get(field)) {
      return false;
    }
  }
  return true;
}

bool payload_is_judged_alike(std::string_view payload, const Event& claims) {
  Event event;
  read_event(payload, event);
  return event.get(Field::recipients) == claims.get(Field::recipients) &&
         event.get(Field::from) == claims.get(Field::from) &&
         without_options(event.get(Field::envelope_from)) ==
             without_options(claims.get(Field::envelope_from));
}

std::optional<GivenAnswer> payload_answer(std::string_view payload) {
  GivenAnswer given;
  bool has_nonce = false;
  NameValueReader reader(payload);
  while (const auto pair = reader.next()) {
    const auto [name, value] = *pair;
    if (name == redeemed_name) return std::nullopt;
    if (name == nonce_name) {
      has_nonce = read_bytes(value, given.answer.nonce);
    } else if (name == recipients_name) {
      if (!read_bytes(value, given.recipients.emplace())) given.recipients.reset();
    } else if (name == retry_name) {
      given.answer.retry_after = parse_number(value).value_or(0);
    } else if (name == explanation_name) {
      given.answer.explanation = value;
    } else if (name == header_name) {
      given.answer.headers.emplace_back(value, "");
    } else if (name == value_name && !given.answer.headers.empty()) {
      given.answer.headers.back().second = value;
    } else if (name == asker_name) {
      given.uid = static_cast<std::uint32_t>(parse_number(value, UINT32_MAX).value_or(0));
      given.queued = true;
    } else if (name == info(Field::mail_id).name) {
      given.answer.id = value;
    } else if (name == info(Field::uid).name) {
      given.uid = static_cast<std::uint32_t>(parse_number(value, UINT32_MAX).value_or(0));
    } else if (name == info(Field::time).name) {
      given.time_ms = parse_rfc3339(value).value_or(0);
    } else if (name == info(Field::kind).name) {
      given.submitted = value == submit_kind;
    } else if (name == info(Field::id).name) {
      given.answer.id = value;
    } else if (name == info(Field::reason).name) {
      given.answer.reason = value;
    } else if (name == info(Field::verdict).name) {
      given.answer.verdict = verdict_named(value).value_or(Verdict::deny);
    }
  }
  if (!has_nonce || reader.failed()) return std::nullopt;
  return given;
}

}  // namespace mailorigin::daemon
