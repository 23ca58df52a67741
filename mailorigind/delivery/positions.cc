#include "mailorigind/delivery/positions.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <utility>

#include "core/bytes.h"
#include "core/file.h"
#include "core/seal.h"
#include "mailorigind/limits.h"

namespace mailorigin::daemon {

namespace {

constexpr std::size_t slot_size = 64;
constexpr std::size_t slots_per_extent = 64;  // disk space is taken in advance, a page at a time
constexpr std::uint64_t flag_behind = 1;

// Published, as the journal's.
constexpr std::array<unsigned char, 16> checksum_key = {'M', 'a', 'i', 'l', 'O', 'r', 'i', 'g',
                                                        'i', 'n', ' ', 'p', 'o', 's', 'n', '1'};

std::string encode_slot(std::uint64_t key, const Position& position) {
  std::string slot;
  append_little_endian(slot, key);
  append_little_endian(slot, position.journal);
  append_little_endian(slot, position.device);
  append_little_endian(slot, position.inode);
  append_little_endian(slot, position.size);
  append_little_endian(slot, position.behind ? flag_behind : 0);
  append_little_endian(slot, std::uint64_t{0});
  append_little_endian(slot, siphash24(slot, checksum_key));
  return slot;
}

}  // namespace

std::uint64_t target_key(std::string_view kind, std::string_view name) {
  return siphash24(std::string(kind) + ":" + std::string(name), checksum_key);
}

Result<Positions> Positions::open(const std::string& directory, service::NoticeBoard& notices) {
  const std::string path = directory + "/positions";
  Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!file) return system_error(path, errno);
  const auto bytes = read_file(file.get(), (targets_limit + 1 + slots_per_extent) * slot_size);
  if (!bytes) return bytes.error().context(path);
  Positions positions(std::move(file), notices);
  positions.read_slots(*bytes);
  // Should there be no space, storing a position reports it.
  (void)posix_fallocate(positions.file_.get(), 0, slots_per_extent * slot_size);
  return positions;
}

void Positions::read_slots(std::string_view bytes) {
  slot_count_ = std::max<std::size_t>(bytes.size() / slot_size, 1);
  for (std::size_t index = 0; index < bytes.size() / slot_size; index++) {
    const std::string_view slot = bytes.substr(index * slot_size, slot_size);
    Position position;
    const auto key = little_endian<std::uint64_t>(slot);
    position.journal = little_endian<std::uint64_t>(slot, 8);
    position.device = little_endian<std::uint64_t>(slot, 16);
    position.inode = little_endian<std::uint64_t>(slot, 24);
    position.size = little_endian<std::uint64_t>(slot, 32);
    position.behind = (little_endian<std::uint64_t>(slot, 40) & flag_behind) != 0;
    const bool intact =
        siphash24(slot.substr(0, 56), checksum_key) == little_endian<std::uint64_t>(slot, 56);
    if (index == 0) {
      if (intact) common_ = position.journal;
    } else if (intact) {
      slots_[key] = {index, position};
    } else {
      free_.push_back(index);
    }
  }
}

void Positions::write_slot(std::size_t index, std::string_view slot) {
  const auto offset = static_cast<off_t>(index * slot_size);
  if (index % slots_per_extent == 0) {
    (void)posix_fallocate(file_.get(), offset, slots_per_extent * slot_size);
  }
  ssize_t written;
  do {
    written = pwrite(file_.get(), slot.data(), slot.size(), offset);
  } while (written < 0 && errno == EINTR);
  if (written == static_cast<ssize_t>(slot.size())) {
    notices_->over("positions", "MO0225: positions are written again");
    return;
  }
  notices_->begins("positions", Notice::Level::error,
                   "MO0224: " + system_error("positions", written < 0 ? errno : ENOSPC).message +
                       "; should the daemon be killed now, log lines will be repeated");
}

void Positions::store_common(std::uint64_t position) {
  if (position == common_) return;
  common_ = position;
  write_slot(0, encode_slot(0, {.journal = position}));
}

const Position* Positions::find(std::uint64_t key) const {
  const auto found = slots_.find(key);
  return found == slots_.end() ? nullptr : &found->second.position;
}

void Positions::store(std::uint64_t key, const Position& position) {
  auto found = slots_.find(key);
  if (found == slots_.end()) {
    std::size_t index = slot_count_;
    if (!free_.empty()) {
      index = free_.back();
      free_.pop_back();
    } else if (slot_count_ > targets_limit) {
      notices_->begins("targets", Notice::Level::error,
                       "MO0226: more than " + std::to_string(targets_limit) +
                           " logs; the positions of those above it are not kept");
      return;
    } else {
      slot_count_++;
    }
    found = slots_.emplace(key, Slot{index, {}}).first;
  }
  found->second.position = position;
  write_slot(found->second.index, encode_slot(key, position));
}

void Positions::forget(std::uint64_t key) {
  const auto found = slots_.find(key);
  if (found == slots_.end()) return;
  write_slot(found->second.index, std::string(slot_size, '\0'));
  free_.push_back(found->second.index);
  slots_.erase(found);
}

std::vector<std::uint64_t> Positions::keys() const {
  std::vector<std::uint64_t> all;
  for (const auto& [key, slot] : slots_) all.push_back(key);
  return all;
}

std::uint64_t Positions::furthest() const {
  std::uint64_t furthest = common_;
  for (const auto& [key, slot] : slots_) furthest = std::max(furthest, slot.position.journal);
  return furthest;
}

}  // namespace mailorigin::daemon
