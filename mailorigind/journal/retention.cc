#include "mailorigind/journal/retention.h"

#include <algorithm>
#include <utility>

namespace mailorigin::daemon {

void Retention::add(JournalConsumer& consumer) {
  consumers_.push_back(&consumer);
  lost_.push_back(0);
}

void Retention::tend() {
  hold_to_shares();
  remove_handled();
  make_room();
  std::vector<Standing> now;
  now.reserve(consumers_.size());
  for (std::size_t i = 0; i < consumers_.size(); i++) {
    now.push_back({consumers_[i]->name(), consumers_[i]->position(), lost_[i]});
  }
  const std::lock_guard lock(mutex_);
  standings_ = std::move(now);
}

std::vector<Retention::Standing> Retention::standings() {
  const std::lock_guard lock(mutex_);
  return standings_;
}

void Retention::hold_to_shares() {
  for (std::size_t i = 0; i < consumers_.size(); i++) {
    JournalConsumer& consumer = *consumers_[i];
    const std::uint64_t end = journal_.end();
    while (end - std::min(end, consumer.position()) > consumer.share()) {
      const Journal::Segment oldest = journal_.segment_at(consumer.position());
      if (oldest.end == end) break;  // the one that is written
      lost_[i] += consumer.lose(oldest);
    }
  }
}

void Retention::remove_handled() {
  std::uint64_t handled = journal_.end();
  for (const JournalConsumer* consumer : consumers_) {
    handled = std::min(handled, consumer->position());
  }
  while (journal_.segment_at(journal_.begin()).end <= handled && journal_.remove_oldest()) {
  }
}

void Retention::make_room() {
  while (journal_.end() - journal_.begin() > capacity_) {
    const Journal::Segment oldest = journal_.segment_at(journal_.begin());
    for (std::size_t i = 0; i < consumers_.size(); i++) {
      if (consumers_[i]->position() < oldest.end) lost_[i] += consumers_[i]->lose(oldest);
    }
    if (!journal_.remove_oldest()) return;
  }
}

}  // namespace mailorigin::daemon
