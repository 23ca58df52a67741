#include "mailorigind/delivery/delivery.h"

#include <poll.h>

#include <algorithm>
#include <utility>

#include "core/counted.h"
#include "mailorigind/journal/event_record.h"
#include "service/thread_share.h"

namespace mailorigin::daemon {

namespace {

using Clock = std::chrono::steady_clock;

std::uint64_t milliseconds(Clock::time_point time) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count());
}

}  // namespace

Delivery::Delivery(Journal& journal, Retention& retention, Positions positions,
                   service::NoticeBoard& notices, std::string syslog_socket)
    : journal_(journal),
      retention_(retention),
      positions_(std::move(positions)),
      notices_(notices),
      syslog_(std::move(syslog_socket)),
      common_(journal, std::max(positions_.common(), journal.begin()), notices),
      behind_(journal, 0, notices) {
  retention_.add(*this);
}

Delivery::~Delivery() { finish(Clock::now()); }

void Delivery::start() {
  publish_backlog();
  thread_ = std::thread([this] { run(); });
}

void Delivery::adopt(std::shared_ptr<const ActivePolicy> policy) {
  {
    const std::lock_guard lock(mutex_);
    next_policy_ = std::move(policy);
    has_next_policy_ = true;
  }
  wake();
}

void Delivery::wake() {
  if (asleep_.load() && asleep_.exchange(false)) woken_.signal();
}

void Delivery::finish(Clock::time_point deadline) {
  if (!thread_.joinable()) return;
  deadline_ = deadline;
  finishing_ = true;
  woken_.signal();
  thread_.join();
}

void Delivery::run() {
  service::name_thread("delivery");
  while (!finishing_) {
    if (!turn(milliseconds(Clock::now()))) wait();
  }
  // What fails is tried once more, and a slow pipe as long as its reader reads.
  // The rest is left to the next start, which may be waiting for this end.
  for (Target* target : unsettled_) target->retry_soon();
  constexpr std::chrono::milliseconds patience{50};
  while (Clock::now() < deadline_) {
    woken_.clear();
    const bool more = turn(milliseconds(Clock::now())) || !idle();
    if (more) continue;
    const bool slow_pipes =
        std::any_of(unsettled_.begin(), unsettled_.end(),
                    [](const Target* target) { return target->pollable() >= 0; });
    if (!slow_pipes || !wait_for_pipes(patience)) return;
  }
}

bool Delivery::idle() const {
  return !has_next_policy_ && (active_ == nullptr || common_.position() >= journal_.end());
}

bool Delivery::wait_for_pipes(std::chrono::milliseconds patience) {
  std::vector<pollfd> waited{{woken_.get(), POLLIN, 0}};
  std::vector<Target*> owners{nullptr};
  for (Target* target : unsettled_) {
    if (target->pollable() < 0) continue;
    waited.push_back({target->pollable(), POLLOUT, 0});
    owners.push_back(target);
  }
  if (poll(waited.data(), waited.size(), static_cast<int>(patience.count())) <= 0) return false;
  for (std::size_t i = 1; i < waited.size(); i++) {
    if (waited[i].revents != 0) owners[i]->retry_soon();
  }
  return true;
}

void Delivery::wait() {
  constexpr std::uint64_t longest = 1000;
  const std::uint64_t now = milliseconds(Clock::now());
  std::uint64_t until = now + longest;
  for (const Target* target : unsettled_) until = std::min(until, target->retry_at_ms());
  // Whoever appends after this look at the journal sees that we sleep, and wakes us.
  asleep_ = true;
  if (idle() && !finishing_ && until > now) {
    wait_for_pipes(std::chrono::milliseconds(until - now));
  }
  asleep_ = false;
  woken_.clear();
  if (!finishing_) std::this_thread::sleep_for(delivery_linger);
}

bool Delivery::turn(std::uint64_t now_ms) {
  if (has_next_policy_) take_policy(now_ms);
  bool more = false;
  if (active_ != nullptr) {
    more = advance(common_, Target::State::following, now_ms);
    // Every target that is not behind has what the common reader has passed; the
    // others have stored how far they are.
    positions_.store_common(common_.position());
    retry_waiting(now_ms);
    more = catch_up(now_ms) || more;
  }
  retention_.tend();
  publish_backlog();
  return more;
}

// ---- What is said about it

Delivery::Backlog Delivery::backlog() {
  const std::lock_guard lock(mutex_);
  return backlog_;
}

void Delivery::publish_backlog() {
  Backlog backlog;
  backlog.handled = handled();
  backlog.count = unsettled_.size();
  for (const Target* target : unsettled_) {
    if (backlog.logs.size() == logs_shown) break;
    backlog.logs.push_back({target->name(), target->position(),
                            target->state() == Target::State::catching_up, target->trouble()});
  }
  const std::lock_guard lock(mutex_);
  backlog_ = std::move(backlog);
}

// ---- Policies

void Delivery::take_policy(std::uint64_t now_ms) {
  {
    const std::lock_guard lock(mutex_);
    active_ = std::move(next_policy_);
    has_next_policy_ = false;
  }
  Targets before = std::move(targets_);
  before.merge(retired_);
  targets_.clear();
  retired_.clear();
  by_index_.clear();
  const std::vector<LogTarget>& logs = active_->policy().targets;
  for (std::size_t i = 0; i < logs.size(); i++) {
    auto& target = targets_[Target::key(logs[i])];
    if (!target) {
      auto kept = before.extract(Target::key(logs[i]));
      target = kept ? std::move(kept.mapped())
                    : std::make_unique<Target>(logs[i], positions_, notices_, syslog_);
    }
    target->use(active_, i, now_ms);
    by_index_.push_back(target.get());
  }
  for (auto& [key, target] : before) retire(std::move(target));
  for (const std::uint64_t key : positions_.keys()) {
    if (!targets_.contains(key) && !retired_.contains(key)) positions_.forget(key);
  }
  unsettled_.clear();
  for (const Targets* all : {&targets_, &retired_}) {
    for (const auto& [key, target] : *all) {
      if (target->state() != Target::State::following) unsettled_.push_back(target.get());
    }
  }
}

void Delivery::retire(std::unique_ptr<Target> target) {
  if (target->state() == Target::State::following) return;
  const std::uint64_t key = target->key();
  if (target->end() == UINT64_MAX) target->retire(common_.position());
  retired_.emplace(key, std::move(target));
}

// ---- Records into targets

bool Delivery::advance(JournalReader& reader, Target::State members, std::uint64_t now_ms) {
  const std::uint64_t from = reader.position();
  for (const JournalReader::Record& record : reader.read()) offer(record, members, now_ms);
  for (Target* target : touched_) flush(*target, now_ms);
  touched_.clear();
  return reader.position() > from && journal_.end() - reader.position() >= delivery_chunk / 4;
}

void Delivery::flush(Target& target, std::uint64_t now_ms) {
  const bool was_following = target.state() == Target::State::following;
  if (!target.flush(now_ms) && was_following) unsettled_.push_back(&target);
}

void Delivery::offer(const JournalReader::Record& record, Target::State members,
                     std::uint64_t now_ms) {
  const auto policy = payload_policy(record.payload);
  if (!policy) return;
  const std::uint32_t vhost = *policy;
  bool is_read = false;
  const auto add = [&](Target& target, const Format& format) {
    if (target.state() == members && target.full()) flush(target, now_ms);
    if (target.state() != members || record.position < target.position()) return;
    if (!is_read) read_event(record.payload, event_);
    is_read = true;
    if (!target.has_lines()) touched_.push_back(&target);
    target.add(record, event_, format);
  };
  for (const ActivePolicy::Route& route : active_->rules(vhost).logs) {
    add(*by_index_[route.target], *route.format);
  }
  for (const auto& [key, target] : retired_) {
    for (const ActivePolicy::Route& route : target->policy().rules(vhost).logs) {
      if (route.target == target->index()) add(*target, *route.format);
    }
  }
}

// ---- Targets that are behind

void Delivery::retry_waiting(std::uint64_t now_ms) {
  bool any_catches_up = std::any_of(unsettled_.begin(), unsettled_.end(), [](const Target* target) {
    return target->state() == Target::State::catching_up;
  });
  for (Target* target : unsettled_) {
    if (target->state() != Target::State::waiting || target->retry_at_ms() > now_ms) continue;
    if (!target->retry(now_ms)) continue;
    // The others skip what they have already.
    if (!any_catches_up || target->position() < behind_.position()) {
      behind_.seek(target->position());
    }
    any_catches_up = true;
  }
  std::erase_if(unsettled_, [&](Target* target) {
    if (!retired_.contains(target->key()) || !target->cannot_recover()) return false;
    drop(*target);
    return true;
  });
}

bool Delivery::catch_up(std::uint64_t now_ms) {
  const auto catches_up = [](const Target* target) {
    return target->state() == Target::State::catching_up;
  };
  if (std::none_of(unsettled_.begin(), unsettled_.end(), catches_up)) return false;
  const std::uint64_t from = behind_.position();
  (void)advance(behind_, Target::State::catching_up, now_ms);
  if (behind_.position() < common_.position()) return behind_.position() > from;
  std::erase_if(unsettled_, [&](Target* target) {
    if (!catches_up(target)) return false;
    target->caught_up(common_.position());
    const std::uint64_t key = target->key();
    if (retired_.erase(key) > 0) positions_.forget(key);
    return true;
  });
  return false;
}

// The configuration has taken the log away, and what it was behind with cannot
// be written.
void Delivery::drop(const Target& target) {
  std::uint64_t lost = 0;
  each_record(target.position(), target.end(), [&](const JournalReader::Record& record) {
    const auto vhost = payload_policy(record.payload);
    if (vhost && target.takes(*vhost)) lost++;
  });
  if (lost > 0) {
    notices_.say(Notice::Level::warning,
                 "MO0234: " + target.name() + ", which is not configured any more, cannot be " +
                     "written: " + counted(lost, "event is", "events are") + " missing in it");
  }
  positions_.forget(target.key());
  retired_.erase(target.key());
}

// ---- What the journal may forget

template <class Visit>
void Delivery::each_record(std::uint64_t from, std::uint64_t to, Visit visit) {
  JournalReader reader(journal_, from, notices_);
  while (reader.position() < to) {
    const auto& records = reader.read();
    if (records.empty()) return;
    for (const JournalReader::Record& record : records) {
      if (record.position < to) visit(record);
    }
  }
}

std::uint64_t Delivery::handled() const {
  std::uint64_t handled = common_.position();
  for (const Target* target : unsettled_) handled = std::min(handled, target->position());
  return handled;
}

std::uint64_t Delivery::position() const { return active_ == nullptr ? 0 : handled(); }

// The segment goes, and takes with it what some logs have still to get.
std::uint64_t Delivery::lose(const Journal::Segment& segment) {
  std::unordered_map<Target*, std::uint64_t> lost;
  std::uint64_t unseen = 0;  // by any policy
  std::uint64_t events = 0;  // that a log at least lacks
  each_record(segment.base, segment.end, [&](const JournalReader::Record& record) {
    const auto policy = payload_policy(record.payload);
    if (!policy) return;
    const std::uint32_t vhost = *policy;
    const bool passed = record.position < common_.position();
    bool is_lost = false;
    const auto missing = [&](Target* target) {
      const bool follows = target->state() == Target::State::following;
      if (record.position < target->position() || (follows && passed)) return;
      lost[target]++;
      is_lost = true;
    };
    if (active_ == nullptr) {
      unseen++;
      return;
    }
    for (const ActivePolicy::Route& route : active_->rules(vhost).logs) {
      missing(by_index_[route.target]);
    }
    for (const auto& [key, target] : retired_) {
      if (target->takes(vhost)) missing(target.get());
    }
    if (is_lost) events++;
  });
  if (unseen > 0) {
    notices_.begins("unseen", Notice::Level::error,
                    "MO0235: the journal is full and httpd has sent no configuration: its oldest "
                    "events are lost, " +
                        std::to_string(unseen) + " so far");
  }
  for (Target* target : unsettled_) lost.try_emplace(target, 0);
  for (const auto& [target, count] : lost) target->give_up(segment.end, count);
  common_.seek(std::max(common_.position(), segment.end));
  behind_.seek(std::max(behind_.position(), segment.end));
  return events + unseen;
}

}  // namespace mailorigin::daemon
