#include "mailorigind/journal/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <utility>

#include "core/bytes.h"
#include "core/counted.h"
#include "core/file.h"
#include "core/seal.h"
#include "mailorigind/limits.h"

namespace mailorigin::daemon {

namespace {

constexpr std::size_t head_size = 12;
constexpr std::string_view prefix = "journal-";

// As many as may be there beside those that were found at the start.
constexpr std::size_t segments_at_most = journal_hard_capacity / segment_size + 2;

// The last batch of a segment may begin just before it is full.
constexpr std::uint64_t segment_room = segment_size + turn_bytes + record_limit;

// On the disk, beyond the file's end. Without it, or on a file system that cannot, it is
// taken as it is written.
void take_room(const Fd& file) {
  (void)fallocate(file.get(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(segment_room));
}

// Published: it finds damage, it does not keep anybody out.
constexpr std::array<unsigned char, 16> checksum_key = {'M', 'a', 'i', 'l', 'O', 'r', 'i', 'g',
                                                        'i', 'n', ' ', 'j', 'r', 'n', 'l', '1'};

std::optional<std::uint64_t> base_of(std::string_view name) {
  if (name.size() != prefix.size() + 16 || !name.starts_with(prefix)) return std::nullopt;
  std::uint64_t base = 0;
  const char* const end = name.data() + name.size();
  const auto [stop, fault] = std::from_chars(name.data() + prefix.size(), end, base, 16);
  if (fault != std::errc() || stop != end) return std::nullopt;
  return base;
}

// Calls visit(offset, payload) for each record; returns the size of the intact part.
template <class Visit>
std::size_t each_record(std::string_view bytes, Visit visit) {
  std::size_t done = 0;
  for (;;) {
    const ParsedRecord record = parse_record(bytes.substr(done));
    if (record.state != ParsedRecord::State::whole) return done;
    visit(done, record.payload);
    done += record.size;
  }
}

}  // namespace

std::size_t begin_record(std::string& batch) {
  const std::size_t begin = batch.size();
  batch.append(head_size, '\0');
  return begin;
}

void end_record(std::string& batch, std::size_t begin) {
  const std::string_view payload = std::string_view(batch).substr(begin + head_size);
  std::string head;
  append_little_endian(head, static_cast<std::uint32_t>(payload.size()));
  append_little_endian(head, siphash24(payload, checksum_key));
  batch.replace(begin, head_size, head);
}

ParsedRecord parse_record(std::string_view bytes, bool verify) {
  if (bytes.size() < head_size) return {ParsedRecord::State::cut_off, {}, 0};
  const auto length = little_endian<std::uint32_t>(bytes);
  if (length == 0 || length > record_limit) return {ParsedRecord::State::damaged, {}, 0};
  if (bytes.size() < head_size + length) return {ParsedRecord::State::cut_off, {}, 0};
  const std::string_view payload = bytes.substr(head_size, length);
  if (verify && siphash24(payload, checksum_key) != little_endian<std::uint64_t>(bytes, 4)) {
    return {ParsedRecord::State::damaged, {}, 0};
  }
  return {ParsedRecord::State::whole, payload, head_size + length};
}

Result<std::unique_ptr<Journal>> Journal::open(const std::string& directory, std::uint64_t at_least,
                                               service::NoticeBoard& notices,
                                               const Visitor& recent) {
  const auto names = names_in(directory);
  if (!names) return names.error();
  std::vector<std::uint64_t> bases;
  for (const std::string& name : *names) {
    if (const auto base = base_of(name)) bases.push_back(*base);
  }
  std::sort(bases.begin(), bases.end());
  std::unique_ptr<Journal> journal(new Journal(directory, notices));
  if (const Status done = journal->recover(bases, at_least, recent); !done) return done.error();
  return journal;
}

Status Journal::recover(const std::vector<std::uint64_t>& bases, std::uint64_t at_least,
                        const Visitor& recent) {
  bool usable = false;
  const std::size_t count = bases.size();
  const std::size_t first = count > 2 ? count - 2 : 0;
  bases_.begin_with(bases, count + segments_at_most);
  if (count > 0) verified_from_ = bases[first];
  for (std::size_t i = first; i < count; i++) {
    const std::string name = path({bases[i], 0});
    Fd file(::open(name.c_str(), O_RDWR | O_CLOEXEC));
    if (!file) return system_error(name, errno);
    const auto bytes = read_file(file.get(), 4 * segment_size);
    if (!bytes) return bytes.error().context(name);
    const std::size_t intact = each_record(
        *bytes,
        [&](std::size_t offset, std::string_view payload) { recent(bases[i] + offset, payload); });
    if (intact < bytes->size()) verified_from_ = bases[i] + bytes->size();
    if (i + 1 < count) continue;

    const std::size_t torn = bytes->size() - intact;
    usable = torn <= torn_tail_limit;
    last_base_ = bases[i];
    end_ = last_base_ + (usable ? intact : bytes->size());
    if (torn == 0) {
      last_ = std::move(file);
      continue;
    }
    if (!usable) continue;  // damage, which the reader reports; nothing more is lost to it
    if (ftruncate(file.get(), static_cast<off_t>(intact)) != 0) return system_error(name, errno);
    last_ = std::move(file);
    notices_.say(Notice::Level::warning,
                 "MO0220: the end of " + name + " (" + counted(torn, "byte") +
                     ") was not written whole before the daemon ended; it is cut off");
  }
  if (count > 0) begin_ = bases.front();
  if (usable && end_ >= at_least) {
    take_room(last_);
    prepare_next();
    return Done{};
  }
  return start_segment(std::max(end_.load(), at_least));
}

Status Journal::start_segment(std::uint64_t base) {
  const std::string name = path({base, base});
  // To cut off what is empty would give back its room.
  const bool prepared = rename(next_path().c_str(), name.c_str()) == 0;
  Fd file(::open(name.c_str(), O_RDWR | O_CLOEXEC | (prepared ? 0 : O_CREAT | O_TRUNC), 0600));
  if (!file) return system_error(name, errno);
  take_room(file);
  prepare_next();
  last_ = std::move(file);
  last_base_ = base;
  if (bases_.size() == 0) begin_ = base;
  if (bases_.size() == 0 || bases_.last() != base) bases_.add(base);
  end_ = base;
  return Done{};
}

void Journal::prepare_next() const {
  const Fd file(::open(next_path().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (file) take_room(file);
}

Status Journal::append(std::string_view records) {
  const std::uint64_t end = end_;
  if (end - begin() > journal_hard_capacity) return Error{"the journal is full"};
  if (end - last_base_ >= segment_size) {
    if (const Status started = start_segment(end); !started) return started;
  }
  const auto offset = static_cast<off_t>(end - last_base_);
  std::size_t done = 0;
  while (done < records.size()) {
    const ssize_t part = pwrite(last_.get(), records.data() + done, records.size() - done,
                                offset + static_cast<off_t>(done));
    if (part < 0 && errno == EINTR) continue;
    if (part <= 0) {
      const Error fault = system_error(path({last_base_, 0}), part < 0 ? errno : ENOSPC);
      // The part that is there must not look like a torn tail; should this fail
      // too, the next append writes over it.
      (void)!ftruncate(last_.get(), offset);
      return fault;
    }
    done += static_cast<std::size_t>(part);
  }
  end_ = end + records.size();
  return Done{};
}

Journal::Segment Journal::segment_at(std::uint64_t position) const {
  const std::uint64_t end = end_;
  const auto [base, next] = bases_.around(position, end);
  return {base, next};
}

std::vector<Journal::Segment> Journal::segments() const {
  const std::vector<std::uint64_t> bases = bases_.all();
  std::vector<Segment> all;
  for (std::size_t i = 0; i < bases.size(); i++) {
    all.push_back({bases[i], i + 1 < bases.size() ? bases[i + 1] : end_.load()});
  }
  return all;
}

std::string Journal::path(const Segment& segment) const {
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx", static_cast<unsigned long long>(segment.base));
  return directory_ + "/" + std::string(prefix) + digits;
}

std::optional<std::string> Journal::payload_at(std::uint64_t position) const {
  const Segment segment = segment_at(position);
  if (position < segment.base || position >= segment.end) return std::nullopt;
  const Fd file(::open(path(segment).c_str(), O_RDONLY | O_CLOEXEC));
  std::string bytes(head_size + record_limit, '\0');
  const ssize_t length =
      pread(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(position - segment.base));
  if (length <= 0) return std::nullopt;
  const ParsedRecord record =
      parse_record(std::string_view(bytes).substr(0, static_cast<std::size_t>(length)));
  if (record.state != ParsedRecord::State::whole) return std::nullopt;
  return std::string(record.payload);
}

bool Journal::remove_oldest() {
  if (bases_.size() <= segments_kept) return false;
  const std::uint64_t base = bases_.first();
  bases_.remove_first();
  begin_ = bases_.first();
  unlink(path({base, base}).c_str());
  return true;
}

JournalReader::Filled JournalReader::fill(const Journal::Segment& segment) {
  if (open_base_ != segment.base || !file_) {
    file_.reset(::open(journal_.path(segment).c_str(), O_RDONLY | O_CLOEXEC));
    open_base_ = segment.base;
  }
  const std::uint64_t wanted = std::min<std::uint64_t>(segment.end - position_, delivery_chunk);
  if (buffer_.size() < delivery_chunk) buffer_.resize(delivery_chunk);
  ssize_t length;
  do {
    length =
        pread(file_.get(), buffer_.data(), wanted, static_cast<off_t>(position_ - segment.base));
  } while (length < 0 && errno == EINTR);
  if (length < 0) {
    unreadable_ = true;
    notices_.begins("journal-read", Notice::Level::error,
                    "MO0222: " + system_error(journal_.path(segment), errno).message +
                        "; the logs wait until it can be read");
    return Filled::unreadable;
  }
  if (std::exchange(unreadable_, false)) {
    notices_.over("journal-read", "MO0223: " + journal_.path(segment) + " is read again");
  }
  std::string_view rest(buffer_.data(), static_cast<std::size_t>(length));
  for (;;) {
    const ParsedRecord record = parse_record(rest, position_ < journal_.verified_from());
    if (record.state != ParsedRecord::State::whole) break;
    records_.push_back({position_, position_ + record.size, record.payload});
    position_ += record.size;
    rest.remove_prefix(record.size);
  }
  return records_.empty() ? Filled::damaged : Filled::records;
}

const std::vector<JournalReader::Record>& JournalReader::read() {
  records_.clear();
  while (position_ < journal_.end()) {
    const Journal::Segment segment = journal_.segment_at(position_);
    if (position_ < segment.base) position_ = segment.base;  // removed: nobody needed it
    if (position_ >= segment.end) break;
    const Filled filled = fill(segment);
    if (filled != Filled::damaged) break;
    const std::string path = journal_.path(segment);
    notices_.begins("damaged " + path, Notice::Level::error,
                    "MO0221: " + path + " is damaged at byte " +
                        std::to_string(position_ - segment.base) +
                        ": the events from there to its end are lost");
    position_ = segment.end;
  }
  return records_;
}

}  // namespace mailorigin::daemon
