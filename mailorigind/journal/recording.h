// Recording: what is to be in the journal, gathered and appended with one write.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "mailorigind/journal/journal.h"
#include "service/notice_board.h"

namespace mailorigin::daemon {

// Says, once, that the journal cannot be written, or that it can be again. For the
// answering thread.
class Recording {
 public:
  // References must outlive it.
  Recording(Journal& journal, service::NoticeBoard& notices)
      : journal_(journal), notices_(notices) {}

  // A record whose payload append(out) appends to `out`; where it begins among those
  // that are gathered.
  template <class Append>
  std::size_t add(Append append) {
    const std::size_t begin = begin_record(gathered_);
    append(gathered_);
    end_record(gathered_, begin);
    return begin;
  }
  [[nodiscard]] bool empty() const { return gathered_.empty(); }
  [[nodiscard]] std::size_t size() const { return gathered_.size(); }

  // All that is gathered, or nothing of it; either way nothing is gathered any more.
  // Where in the journal it begins; nothing if it is not there.
  std::optional<std::uint64_t> append();

 private:
  Journal& journal_;
  service::NoticeBoard& notices_;
  std::string gathered_;
};

}  // namespace mailorigin::daemon
