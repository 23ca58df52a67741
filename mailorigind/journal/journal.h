// The journal: what has been answered, as records in append-only segments. The
// bytes are specified in docs/journal.md.
//
// A record counts from the moment append() returns. The answering thread writes;
// the delivery thread reads and removes what nobody needs any more.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/fd.h"
#include "core/result.h"
#include "mailorigind/journal/segment_bases.h"
#include "service/notice_board.h"

namespace mailorigin::daemon {

// A batch of records is built in place: begin, append the payload, end.
std::size_t begin_record(std::string& batch);
void end_record(std::string& batch, std::size_t begin);

// The record at the start of `bytes`.
struct ParsedRecord {
  enum class State { whole, cut_off, damaged };
  State state;
  std::string_view payload;
  std::size_t size = 0;  // with its head
};
// Its checksum is compared, unless that has been done.
ParsedRecord parse_record(std::string_view bytes, bool verify = true);

class Journal {
 public:
  using Visitor = std::function<void(std::uint64_t position, std::string_view payload)>;

  // Finds or makes the segments in `directory`, cuts a torn tail, and shows the
  // records of the last two segments to `recent`. Positions never go back below
  // `at_least`, even if segments were lost. `notices` must outlive the journal.
  static Result<std::unique_ptr<Journal>> open(const std::string& directory, std::uint64_t at_least,
                                               service::NoticeBoard& notices,
                                               const Visitor& recent);

  // Appends whole records with one write: all of them, or none and the reason.
  // The next call tries again, so that a full disk passes.
  Status append(std::string_view records);

  // Positions count bytes over all segments that ever were.
  [[nodiscard]] std::uint64_t begin() const { return begin_.load(); }
  [[nodiscard]] std::uint64_t end() const { return end_.load(); }
  // From here on every record has been checked by open(), or was appended since.
  [[nodiscard]] std::uint64_t verified_from() const { return verified_from_; }

  // A segment: [base, end). The last one's end is the journal's.
  struct Segment {
    std::uint64_t base = 0;
    std::uint64_t end = 0;
  };
  // The one that holds `position`, or the first one after it.
  [[nodiscard]] Segment segment_at(std::uint64_t position) const;
  // For the threads that append or remove.
  [[nodiscard]] std::vector<Segment> segments() const;
  [[nodiscard]] std::string path(const Segment& segment) const;

  // The payload of the record at `position`; nothing if there is none (any more).
  // For the answering thread.
  [[nodiscard]] std::optional<std::string> payload_at(std::uint64_t position) const;

  // Removes the oldest segment, unless it is one of the last segments_kept.
  bool remove_oldest();

 private:
  Journal(std::string directory, service::NoticeBoard& notices)
      : directory_(std::move(directory)), notices_(notices) {}
  Status recover(const std::vector<std::uint64_t>& bases, std::uint64_t at_least,
                 const Visitor& recent);
  Status start_segment(std::uint64_t base);
  // Takes the room of the segment to come. Without it, the segment finds what is there.
  void prepare_next() const;
  [[nodiscard]] std::string next_path() const { return directory_ + "/journal-next"; }

  const std::string directory_;
  service::NoticeBoard& notices_;
  Fd last_;  // the segment that is written
  std::uint64_t last_base_ = 0;
  std::uint64_t verified_from_ = 0;
  std::atomic<std::uint64_t> begin_{0};
  std::atomic<std::uint64_t> end_{0};
  SegmentBases bases_;
};

// Reads on from a position; for one thread.
class JournalReader {
 public:
  struct Record {
    std::uint64_t position = 0;
    std::uint64_t next = 0;
    std::string_view payload;
  };

  JournalReader(const Journal& journal, std::uint64_t position, service::NoticeBoard& notices)
      : journal_(journal), notices_(notices), position_(position) {}

  // The next records, about delivery_chunk bytes of them, valid until the next
  // call. Empty at the end, and while the segment can not be read. What is
  // damaged is skipped to the next segment, with a notice that names the file.
  const std::vector<Record>& read();

  // Of the first record that read() has not returned yet.
  [[nodiscard]] std::uint64_t position() const { return position_; }
  void seek(std::uint64_t position) { position_ = position; }

 private:
  enum class Filled { records, damaged, unreadable };
  Filled fill(const Journal::Segment& segment);

  const Journal& journal_;
  service::NoticeBoard& notices_;
  std::uint64_t position_;
  Fd file_;
  std::optional<std::uint64_t> open_base_;  // file_'s segment
  bool unreadable_ = false;
  std::string buffer_;
  std::vector<Record> records_;
};

}  // namespace mailorigin::daemon
