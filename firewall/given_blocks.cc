#include "firewall/given_blocks.h"

#include <utility>

#include "core/file.h"
#include "core/wire/firewall.h"

namespace mailorigin::firewall {

namespace {

constexpr const char* not_kept = "blocks";  // the finding's name

}  // namespace

void GivenBlocks::load() {
  auto kept = file_.load();
  if (!kept) {
    notices_.say(Notice::Level::error,
                 "MO0435: " + kept.error().message + " (now " + file_.damaged_path() +
                     "): until mailorigind says what is blocked, no connections are");
    return;
  }
  given_ = kept->encode();
  in_force_ = *std::move(kept);
}

Result<bool> GivenBlocks::take(const Packet& packet) {
  const auto digest_there = decode_blocks_digest(packet.bytes);
  if (!digest_there) return digest_there.error();
  if (*digest_there == digest()) return false;
  if (packet.descriptors.size() != 1) return Error{"blocks: they are not there"};
  auto bytes = read_file(packet.descriptors[0].get(), blocks_size_limit);
  if (!bytes) return bytes.error();
  auto blocks = Blocks::decode(*bytes);
  if (!blocks) return blocks.error();
  given_ = *std::move(bytes);
  in_force_ = *std::move(blocks);
  return true;
}

void GivenBlocks::keep() {
  if (const Status kept = file_.keep(given_); !kept) {
    notices_.begins(not_kept, Notice::Level::error,
                    "MO0436: " + kept.error().message +
                        "; the blocks are in force, but the next boot will not have them until "
                        "mailorigind runs");
  } else {
    notices_.over(not_kept, "MO0437: the blocks are kept again");
  }
}

}  // namespace mailorigin::firewall
