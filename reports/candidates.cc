#include "reports/candidates.h"

#include <algorithm>
#include <climits>
#include <cstdint>
#include <optional>
#include <utility>

#include "core/mail/addresses.h"
#include "core/name_values.h"
#include "tracing/lines.h"

namespace mailorigin::reports {

using tracing::Clue;
using tracing::ClueKind;

namespace {

// What a mail server takes up after mail() has asked: a moment, for an idle one.
constexpr std::uint64_t before_pickup_ms = 15'000;
constexpr std::uint64_t after_pickup_ms = 2'000;
constexpr std::size_t events_of_a_moment = 2000;
constexpr std::size_t recipients_looked_at = 200;

constexpr int by_message_of_passage = 80;
constexpr int by_passage = 40;  // who submitted it, and when
constexpr int by_recipient = 15;
constexpr int same_recipient = 10;
constexpr int same_subject = 10;

std::vector<std::string> all_files(const std::vector<std::string>& logs) {
  std::vector<std::string> out;
  for (const std::string& log : logs) {
    for (std::string& file : tracing::with_rotated(log, 0)) out.push_back(std::move(file));
  }
  return out;
}

class Search {
 public:
  Search(const tracing::Clues& clues, const std::vector<std::string>& mail_logs, StoreAccess& store)
      : clues_(clues), mail_logs_(mail_logs), store_(store) {}

  Result<Candidates> run() {
    by_ids();
    by_message_ids();
    by_queue_ids();
    by_cookies();
    if (found_.list.empty()) by_script();
    if (found_.list.empty() || !clues_.of(ClueKind::queue_id).empty()) by_mail_log();
    for (Candidate& each : found_.list) compare(each);
    const auto has_recipient = [](const Candidate& each) { return each.has_recipient; };
    if (std::none_of(found_.list.begin(), found_.list.end(), has_recipient)) {
      const std::size_t compared = found_.list.size();
      by_recipients();
      for (std::size_t i = compared; i < found_.list.size(); i++) compare(found_.list[i]);
    }
    if (fault_) return *fault_;
    sort();
    if (found_.list.size() > candidates_limit) found_.list.resize(candidates_limit);
    found_.is_doubtful = !found_.list.empty() && !found_.list.front().has_recipient &&
                         !found_.list.front().event.has(Field::truncated) &&
                         !clues_.of(ClueKind::recipient).empty();
    return std::move(found_);
  }

 private:
  std::vector<Event> find(const store::Search& search) {
    if (fault_) return {};
    auto events = store_([&](store::Reader& reader) { return reader.find(search); });
    if (events) return *std::move(events);
    fault_ = events.error();
    return {};
  }

  void sort() {
    unsigned least = UINT_MAX;
    for (const Candidate& each : found_.list) least = std::min(least, each.within);
    const bool one_matches =
        std::any_of(found_.list.begin(), found_.list.end(), [&](const Candidate& each) {
          return each.within == least && each.has_recipient && each.has_subject;
        });
    std::stable_sort(found_.list.begin(), found_.list.end(),
                     [&](const Candidate& a, const Candidate& b) {
                       if (a.within != b.within) return a.within < b.within;
                       if (one_matches && a.has_recipient != b.has_recipient) {
                         return a.has_recipient;
                       }
                       return a.score > b.score;
                     });
  }

  void add(Event event, int weight, unsigned within, const std::string& why) {
    for (Candidate& each : found_.list) {
      if (each.event.get(Field::id) != event.get(Field::id)) continue;
      each.within = std::min(each.within, within);
      if (std::find(each.why.begin(), each.why.end(), why) != each.why.end()) return;
      each.score += weight;
      each.why.push_back(why);
      return;
    }
    Candidate& candidate = found_.list.emplace_back();
    candidate.event = std::move(event);
    candidate.score = weight;
    candidate.within = within;
    candidate.why = {why};
  }

  void add_all(const store::Search& search, const Clue& clue, const char* what) {
    for (Event& event : find(search)) {
      add(std::move(event), clue.weight, clue.within, std::string(what) + " (" + clue.where + ')');
    }
  }

  void by_ids() {
    for (const Clue& clue : clues_.of(ClueKind::id)) {
      add_all({.id = clue.value}, clue, "its id");
      add_all({.request_id = clue.value}, clue, "its request's id");
    }
  }

  void by_message_ids() {
    for (const Clue& clue : clues_.of(ClueKind::message_id)) {
      add_all({.message_id = clue.value}, clue, "its Message-ID");
    }
  }

  // They come again, with the inodes of a disk: the last one is meant.
  void by_queue_ids() {
    for (const Clue& clue : clues_.of(ClueKind::queue_id)) {
      add_all({.queue_id = clue.value, .most = 1}, clue, "its queue id");
    }
  }

  // The kernel begins anew at each boot: the last one is meant.
  void by_cookies() {
    for (const Clue& clue : clues_.of(ClueKind::cookie)) {
      add_all({.cookie = clue.value, .most = 1}, clue, "its connection's cookie");
    }
  }

  // PHP's line has a second and a place, but no id.
  void by_script() {
    const auto scripts = clues_.of(ClueKind::script);
    if (scripts.empty() || clues_.time_ms == 0) return;
    const store::Search moment{
        .from_ms = clues_.time_ms -
                   std::min(clues_.time_ms, clues_.time_span_ms > 1000 ? clues_.time_span_ms : 0),
        .to_ms = clues_.time_ms + clues_.time_span_ms,
        .most = events_of_a_moment};
    for (Event& event : find(moment)) {
      const std::string place = event.get(Field::file) + ':' + event.get(Field::line);
      if (place != scripts.front().value) continue;
      add(std::move(event), scripts.front().weight, 0, "file, line and time of " + clues_.what);
    }
  }

  void by_mail_log() {
    tracing::LogQuestion question;
    for (const Clue& clue : clues_.of(ClueKind::queue_id)) question.queue_ids.insert(clue.value);
    if (found_.list.empty()) {
      for (const Clue& clue : clues_.of(ClueKind::message_id)) {
        question.message_ids.insert(clue.value);
      }
    }
    if (question.queue_ids.empty() && question.message_ids.empty()) return;
    found_.passages = tracing::find_passages(all_files(mail_logs_), question);
    for (const tracing::Passage& passage : found_.passages) by_passage_of(passage);
  }

  // Of the clue that led to it. To another queue's it is the mail server that leads.
  [[nodiscard]] unsigned within_of(const tracing::Passage& passage) const {
    unsigned within = 0;
    for (const Clue& clue : clues_.list) {
      const bool is_its = (clue.kind == ClueKind::queue_id && clue.value == passage.queue_id) ||
                          (clue.kind == ClueKind::message_id &&
                           std::find(passage.message_ids.begin(), passage.message_ids.end(),
                                     clue.value) != passage.message_ids.end());
      if (is_its) return clue.within;
      if (clue.kind == ClueKind::queue_id) within = std::max(within, clue.within);
    }
    return within;
  }

  void by_passage_of(const tracing::Passage& passage) {
    const std::string place = "queue id " + passage.queue_id + " in the mail server's log";
    const unsigned within = within_of(passage);
    bool known = false;
    for (const std::string& message_id : passage.message_ids) {
      for (Event& event : find({.message_id = message_id})) {
        add(std::move(event), by_message_of_passage, within, "the Message-ID of " + place);
        known = true;
      }
    }
    if (known || !passage.uid || passage.time_ms == 0) return;
    const store::Search moment{.from_ms = passage.time_ms - before_pickup_ms,
                               .to_ms = passage.time_ms + after_pickup_ms,
                               .uid = passage.uid,
                               .most = events_of_a_moment};
    for (Event& event : find(moment)) {
      const auto addresses = addresses_in(event.get(Field::to), recipients_looked_at);
      const bool same = std::any_of(
          passage.deliveries.begin(), passage.deliveries.end(), [&](const auto& delivery) {
            const auto one = addresses_in(delivery.to, 1);
            return !one.empty() &&
                   std::find(addresses.begin(), addresses.end(), one[0]) != addresses.end();
          });
      if (!same && !passage.deliveries.empty()) continue;
      // The one next to it in time is likelier than those before.
      const auto time = parse_rfc3339(event.get(Field::time)).value_or(0);
      const std::uint64_t apart_s =
          (std::max(time, passage.time_ms) - std::min(time, passage.time_ms)) / 1000;
      add(std::move(event), by_passage - static_cast<int>(std::min<std::uint64_t>(apart_s, 15)),
          within, "user, time and recipient of " + place);
    }
  }

  void by_recipients() {
    for (const Clue& clue : clues_.of(ClueKind::recipient)) {
      store::Search search{.recipient = clue.value, .most = candidates_limit};
      if (clues_.time_ms > 0) {
        search.from_ms = clues_.time_ms - std::min(clues_.time_ms, clues_.time_span_ms);
        search.to_ms = clues_.time_ms + clues_.time_span_ms;
      }
      for (Event& event : find(search)) {
        add(std::move(event), by_recipient, clue.within,
            "a recipient" + std::string(clues_.time_ms > 0 ? " and the time" : "") + " (" +
                clue.where + ')');
      }
    }
  }

  // With what the mail says.
  void compare(Candidate& candidate) {
    const auto addresses = addresses_in(candidate.event.get(Field::to), recipients_looked_at);
    for (const Clue& clue : clues_.of(ClueKind::recipient)) {
      if (clue.within > candidate.within) continue;
      if (std::find(addresses.begin(), addresses.end(), clue.value) == addresses.end()) continue;
      candidate.has_recipient = true;
      candidate.score += same_recipient;
      candidate.why.push_back("it went to " + clue.value);
      break;
    }
    for (const Clue& clue : clues_.of(ClueKind::subject)) {
      if (clue.within > candidate.within) continue;
      if (clue.value != candidate.event.get(Field::subject)) continue;
      candidate.has_subject = true;
      candidate.score += same_subject;
      candidate.why.emplace_back("the same subject");
      break;
    }
  }

  const tracing::Clues& clues_;
  const std::vector<std::string>& mail_logs_;
  StoreAccess& store_;
  Candidates found_;
  std::optional<Error> fault_;
};

}  // namespace

Result<Candidates> find_candidates(const tracing::Clues& clues,
                                   const std::vector<std::string>& mail_logs, StoreAccess& store) {
  return Search(clues, mail_logs, store).run();
}

}  // namespace mailorigin::reports
