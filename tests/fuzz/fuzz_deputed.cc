// Any packet as a deputed connection, and any pairs under a seal that holds: what is accepted
// encodes to the same again.
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "core/name_values.h"
#include "core/seal.h"
#include "core/wire/deputing.h"

using namespace mailorigin;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const KeyRing keys{SealKey{1, {}}, std::nullopt};
  if (decode_deputed(input, keys, 0)) std::abort();  // nobody guesses a seal

  ContextTag tag;
  tag.flags = ContextTag::deputy;
  std::string packet = encode_head(MessageType::deputed);
  NameValueWriter writer(packet);
  writer.add("nonce", std::string(16, 'n'));
  writer.add("statement", seal_bytes(tag, input, keys.current));
  const auto deputed = decode_deputed(packet, keys, 0);
  if (!deputed) return 0;
  const std::string encoded = encode_deputed(*deputed, keys.current);
  const auto again = decode_deputed(encoded, keys, 0);
  if (encoded.size() > packet_limit || !again || again->nonce != deputed->nonce ||
      again->request.uri != deputed->request.uri || again->connection != deputed->connection) {
    std::abort();
  }
  return 0;
}
