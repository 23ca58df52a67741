#include "mailorigind/journal/recording.h"

namespace mailorigin::daemon {

std::optional<std::uint64_t> Recording::append() {
  const std::uint64_t begin = journal_.end();
  if (gathered_.empty()) return begin;
  const Status appended = journal_.append(gathered_);
  gathered_.clear();
  if (!appended) {
    notices_.begins("journal", Notice::Level::error,
                    "MO0212: the journal cannot be written, mails are not recorded: " +
                        appended.error().message);
    return std::nullopt;
  }
  notices_.over("journal", "MO0213: the journal is written again");
  return begin;
}

}  // namespace mailorigin::daemon
