#include "reports/trace_report.h"

#include <algorithm>
#include <utility>

#include "core/format.h"
#include "core/mail/addresses.h"
#include "core/name_values.h"
#include "core/text.h"
#include "reports/advice.h"
#include "reports/advice_place.h"
#include "reports/block_report.h"
#include "reports/candidates.h"
#include "tracing/access_log.h"
#include "tracing/clues.h"
#include "tracing/lines.h"
#include "tracing/mail_log.h"

namespace mailorigin::reports {

using nlohmann::json;

namespace {

constexpr std::size_t recipients_looked_at = 200;

json event_json(const Event& event) {
  std::string text;
  Format::predefined("json")->append(text, event);
  return json::parse(text, nullptr, false);
}

std::uint64_t time_of(const Event& event) {
  return parse_rfc3339(event.get(Field::time)).value_or(0);
}

const VhostPolicy* vhost_of(const std::optional<Policy>& policy, const Event& event) {
  if (!policy) return nullptr;
  for (const VhostPolicy& vhost : policy->vhosts) {
    if (vhost.name == event.get(Field::vhost)) return &vhost;
  }
  return nullptr;
}

Result<json> request_of(const Event& event, const std::optional<Policy>& policy,
                        StoreAccess& store) {
  json request = {{"access_log", json::array()}, {"events", 0}};
  const std::string& id = event.get(Field::request_id);
  if (!id.empty()) {
    const auto count = store([&](store::Reader& reader) { return reader.events_of_request(id); });
    if (!count) return count.error();
    request["events"] = *count;
  }
  const VhostPolicy* const vhost = vhost_of(policy, event);
  const std::vector<std::string> none;
  const auto& logs = vhost != nullptr ? vhost->access_logs
                     : policy         ? policy->server.access_logs
                                      : none;
  for (const std::string& line :
       tracing::access_log_lines(logs, {id, event.get(Field::client), event.get(Field::method),
                                        event.get(Field::uri), time_of(event)})) {
    request["access_log"].push_back(line);
  }
  return request;
}

// Those of the passages that are this event's.
json delivery_of(const Event& event, const std::vector<tracing::Passage>& passages) {
  const auto addresses = addresses_in(event.get(Field::to), recipients_looked_at);
  json out = json::array();
  for (const tracing::Passage& passage : passages) {
    for (const tracing::Delivery& each : passage.deliveries) {
      const auto one = addresses_in(each.to, 1);
      const bool ours = addresses.empty() || each.to.empty() || one.empty() ||
                        std::find(addresses.begin(), addresses.end(), one[0]) != addresses.end();
      if (!ours) continue;
      out.push_back({{"time", rfc3339(each.time_ms)},
                     {"queue_id", passage.queue_id},
                     {"to", each.to},
                     {"status", each.status},
                     {"text", each.text}});
    }
  }
  return out;
}

std::vector<tracing::Passage> passages_of(const Event& event,
                                          const std::vector<std::string>& mail_logs,
                                          const std::vector<tracing::Passage>& known) {
  if (!known.empty()) return known;
  tracing::LogQuestion question;
  question.ids.insert(event.get(Field::id));
  std::string_view message_id = event.get(Field::message_id);
  if (message_id.starts_with('<') && message_id.ends_with('>')) {
    message_id = message_id.substr(1, message_id.size() - 2);
  }
  if (!message_id.empty()) question.message_ids.insert(std::string(message_id));
  const std::uint64_t time = time_of(event);
  if (const auto uid = parse_number(event.get(Field::uid), UINT32_MAX)) {
    // What a user handed in at that time, and went to the same people.
    constexpr std::uint64_t patience_ms = 15'000;
    question.uid = static_cast<std::uint32_t>(*uid);
    question.from_ms = time;
    question.to_ms = time + patience_ms;
  }
  std::vector<std::string> files;
  for (const std::string& log : mail_logs) {
    for (std::string& file : tracing::with_rotated(log, time / 1000))
      files.push_back(std::move(file));
  }
  auto passages = tracing::find_passages(files, question);
  // Where one is known for sure, what only came at the same time is not it.
  const auto sure = [&](const tracing::Passage& passage) {
    return !message_id.empty() && std::find(passage.message_ids.begin(), passage.message_ids.end(),
                                            message_id) != passage.message_ids.end();
  };
  if (std::any_of(passages.begin(), passages.end(), sure)) {
    std::erase_if(passages, [&](const auto& passage) { return !sure(passage); });
  }
  return passages;
}

Result<json> sent_by(store::Per per, const std::string& name, std::uint64_t now_ms,
                     StoreAccess& store) {
  const auto sent = store([&](store::Reader& reader) { return reader.sent(per, name, now_ms); });
  if (!sent) return sent.error();
  json out;
  const std::pair<const char*, const store::Counts*> spans[] = {
      {"hour", &sent->hour}, {"day", &sent->day}, {"week", &sent->week}};
  for (const auto& [span, counts] : spans) {
    // Apart, whatever the order in which they were counted.
    const std::uint64_t stopped = std::min(counts->mails, counts->held + counts->denied);
    out[span] = counts->mails - stopped;
    out["held"][span] = counts->held;
    out["denied"][span] = counts->denied;
  }
  if (per == store::Per::script) {
    if (sent->first_seen_ms) out["first_seen"] = rfc3339(*sent->first_seen_ms);
  }
  return out;
}

json candidate_json(const Candidate& candidate) {
  return {{"id", candidate.event.get(Field::id)},
          {"time", candidate.event.get(Field::time)},
          {"vhost", candidate.event.get(Field::vhost)},
          {"entry", candidate.event.get(Field::entry)},
          {"subject", candidate.event.get(Field::subject)},
          {"why", candidate.why}};
}

// An id of Exim's leads to an event only where Exim has said which: Postfix's have no dashes.
json notes_of(const tracing::Clues& clues, const TraceQuestion& question) {
  json notes = json::array();
  if (question.exim_asks.value_or(true)) return notes;
  for (const tracing::Clue& clue : clues.of(tracing::ClueKind::queue_id)) {
    if (clue.value.find('-') == std::string::npos) continue;
    notes.push_back(clue.value +
                    " is a queue id of Exim's, and Exim has not asked mailorigind about its "
                    "messages: which event that is it has told nobody, and only its log can lead "
                    "there. MailOriginEximSocket and Exim's ACLs (docs/exim.md) have it told");
    break;
  }
  return notes;
}

}  // namespace

Result<json> trace_report(const TraceQuestion& question, const std::optional<Policy>& policy,
                          StoreAccess& store) {
  const tracing::Clues clues = tracing::read_clues(question.input);
  const auto found = find_candidates(clues, question.mail_logs, store);
  if (!found) return found.error();
  json report;
  report["found"] = !found->list.empty();
  report["input"] = clues.what;
  report["candidates"] = json::array();
  for (const Candidate& each : found->list) report["candidates"].push_back(candidate_json(each));
  report["notes"] = notes_of(clues, question);
  if (found->is_doubtful) {
    report["notes"].push_back(
        "it went to none of the recipients that the mail names: who sends a mail can copy an id, a "
        "Message-ID or a queue id of another into it");
  }
  if (found->list.empty()) {
    report["delivery"] = delivery_of({}, found->passages);
    return report;
  }
  const Event& event = found->list.front().event;
  report["event"] = event_json(event);
  auto request = request_of(event, policy, store);
  if (!request) return request.error();
  report["request"] = *std::move(request);
  // A connection is no message: what the same user handed in at that time is not its.
  if (event.get(Field::kind) == "smtp") {
    report["delivery"] = json::array();
  } else {
    report["delivery"] =
        delivery_of(event, passages_of(event, question.mail_logs, found->passages));
  }
  auto script = sent_by(store::Per::script, store::counted_script(event), question.now_ms, store);
  if (!script) return script.error();
  report["script"] = *std::move(script);
  report["script"]["path"] = event.get(Field::entry);
  auto vhost = sent_by(store::Per::vhost, event.get(Field::vhost), question.now_ms, store);
  if (!vhost) return vhost.error();
  report["vhost"] = *std::move(vhost);
  const Policy* const in_force = policy ? &*policy : nullptr;
  report["advice"] = advice(event, in_force);
  report["place"] = advice_place(in_force, event.get(Field::vhost));
  report["blocked"] = json::array();
  for (const Block* block : blocks_of(event, question.blocks, question.now_ms)) {
    report["blocked"].push_back(block_facts(*block));
  }
  report["block"] = report["blocked"].empty() ? block_command(event) : "";
  return report;
}

}  // namespace mailorigin::reports
