// Retention: what the journal may forget. The one place where its segments are removed.
#pragma once

#include <cstdint>
#include <mutex>
#include <string_view>
#include <vector>

#include "mailorigind/journal/journal.h"
#include "mailorigind/limits.h"

namespace mailorigin::daemon {

// Whoever reads the journal from a position of its own, and by that keeps it.
class JournalConsumer {
 public:
  JournalConsumer() = default;
  virtual ~JournalConsumer() = default;
  JournalConsumer(const JournalConsumer&) = delete;
  JournalConsumer& operator=(const JournalConsumer&) = delete;

  [[nodiscard]] virtual std::string_view name() const = 0;
  // It is done with all that is before. From the tending thread, as lose().
  [[nodiscard]] virtual std::uint64_t position() const = 0;
  // Bytes of the journal that may wait for it alone: of more the oldest is lost to it.
  [[nodiscard]] virtual std::uint64_t share() const { return UINT64_MAX; }
  // The segment is removed after this, because the journal is full, or its share: the consumer goes
  // on behind it. Returns how many events it will never see.
  virtual std::uint64_t lose(const Journal::Segment& segment) = 0;
};

class Retention {
 public:
  // Above `capacity` bytes the journal loses its oldest segment, whoever still needs
  // it. `journal` must outlive this.
  explicit Retention(Journal& journal, std::uint64_t capacity = journal_capacity)
      : journal_(journal), capacity_(capacity) {}

  // Must outlive the last tend().
  void add(JournalConsumer& consumer);

  // Removes what everybody has, and makes room. By one thread.
  void tend();

  struct Standing {
    std::string_view name;
    std::uint64_t position = 0;
    std::uint64_t lost = 0;  // events, since the daemon began
  };
  // As the last tend() left them. From any thread.
  [[nodiscard]] std::vector<Standing> standings();

 private:
  void hold_to_shares();
  void remove_handled();
  void make_room();

  Journal& journal_;
  const std::uint64_t capacity_;
  std::vector<JournalConsumer*> consumers_;
  std::vector<std::uint64_t> lost_;  // by consumer
  std::mutex mutex_;                 // guards standings_
  std::vector<Standing> standings_;
};

}  // namespace mailorigin::daemon
