// Any bytes as a file of blocks, as one block, and as the packets that make and end them: what
// is accepted is the same when it is written and read again.
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/blocks.h"
#include "core/wire/blocking.h"

using namespace mailorigin;

namespace {

void check_block(const Block& block) {
  const auto again = decode_block(encode_block(block));
  if (!again || again->subject != block.subject || again->real_path != block.real_path ||
      again->description() != block.description()) {
    std::abort();
  }
  const auto subject = parse_block_subject(block.subject.text());
  if (!subject || subject->text() != block.subject.text()) std::abort();
  Blocks blocks;
  if (!blocks.add(block)) std::abort();
  const auto read = Blocks::decode(blocks.encode());
  if (!read || read->encode() != blocks.encode()) std::abort();
  blocks.of_client(block.subject.address, [](const Block&) {});
  if (!blocks.remove(block.subject) || !blocks.empty()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto block = decode_block(bytes)) check_block(*block);
  if (const auto blocks = Blocks::decode(bytes); blocks && blocks->encode() != bytes) std::abort();
  (void)decode_block_message(bytes);
  (void)decode_unblock_message(bytes);
  (void)decode_blocked_message(bytes);
  (void)parse_block_subject(bytes);
  return 0;
}
