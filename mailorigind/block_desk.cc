#include "mailorigind/block_desk.h"

#include <chrono>
#include <utility>

#include "core/counted.h"
#include "core/sealed_memory.h"
#include "core/text.h"

namespace mailorigin::daemon {

namespace {

constexpr const char* damaged = "blocks";  // names of findings
constexpr const char* not_kept = "blocks kept";

}  // namespace

void BlockDesk::load() {
  const auto kept = file_.load();
  was_damaged_ = file_.was_damaged();
  if (kept) blocks_ = *kept;
  changed_(blocks_.encode());
  if (kept && !was_damaged_) return;
  notices_.begins(damaged, Notice::Level::error,
                  "MO0265: " +
                      (kept ? file_.damaged_path() + ": blocks that could not be read"
                            : kept.error().message + " (now " + file_.damaged_path() + ')') +
                      ": what an administrator had blocked there is not blocked any more");
}

Status BlockDesk::block(const Packet& packet, int socket, std::uint64_t now_ms) {
  auto message = decode_block_message(packet.bytes);
  if (!message) return message.error();
  Block& block = message->block;
  block.since_ms = now_ms;
  block.until_ms.reset();
  if (message->lasts_ms) block.until_ms = now_ms + *message->lasts_ms;
  blocks_.expire(now_ms);
  const std::string description = block.description();
  if (Status added = blocks_.add(std::move(block)); !added) return added;
  notices_.say(Notice::Level::notice, "MO0268: blocked: " + one_line(description));
  return answer_when_kept(1, socket);
}

Status BlockDesk::unblock(const Packet& packet, int socket, std::uint64_t now_ms) {
  const auto message = decode_unblock_message(packet.bytes);
  if (!message) return message.error();
  blocks_.expire(now_ms);
  const std::size_t before = blocks_.list().size();
  if (message->subject) {
    blocks_.remove(*message->subject);
  } else {
    blocks_.clear();
  }
  const std::size_t count = before - blocks_.list().size();
  if (count > 0) {
    const std::string what = message->subject ? message->subject->text() : counted(count, "block");
    notices_.say(Notice::Level::notice,
                 "MO0269: no longer blocked: " + one_line(what + " by " + message->by));
  }
  return answer_when_kept(count, socket);
}

Status BlockDesk::show(int socket) const {
  const auto memory = sealed_memory("mailorigin-blocks", blocks_.encode());
  if (!memory) return memory.error();
  return send_packet(socket, encode_head(MessageType::blocks_shown),
                     std::chrono::steady_clock::now(), {memory->get()});
}

// Why it is not; empty if it is.
std::string BlockDesk::keep(const std::string& encoded) {
  if (const Status kept = file_.keep(encoded); !kept) {
    notices_.begins(not_kept, Notice::Level::error,
                    "MO0266: " + kept.error().message +
                        "; the blocks are in force, but the next start will not have them");
    return kept.error().message;
  }
  notices_.over(not_kept, "MO0267: the blocks are kept again");
  return {};
}

// In force at once.
Status BlockDesk::answer_when_kept(std::uint64_t count, int socket) {
  std::string encoded = blocks_.encode();
  changed_(encoded);
  return answers_.give(socket, [this, count, encoded = std::move(encoded)] {
    return encode_blocked_message({count, keep(encoded)});
  });
}

void BlockDesk::tidy(std::uint64_t now_ms) {
  if (was_damaged_ && !file_.was_damaged()) {
    was_damaged_ = false;
    notices_.forget(damaged);
  }
  const auto over = blocks_.expire(now_ms);
  if (over.empty()) return;
  for (const Block& block : over) {
    notices_.say(Notice::Level::notice,
                 "MO0269: no longer blocked: " + one_line(block.description()));
  }
  (void)answer_when_kept(over.size(), -1);
}

}  // namespace mailorigin::daemon
