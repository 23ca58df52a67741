// Any text as a context; and any pairs under a seal that holds, so that the
// details' decoder is reached as well.
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "core/base64url.h"
#include "core/bytes.h"
#include "core/seal.h"

using namespace mailorigin;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const KeyRing keys{SealKey{1, {}}, std::nullopt};
  if (unseal(input, keys, 0).context) std::abort();  // nobody guesses a seal

  ContextTag tag;
  tag.key_id = 1;
  std::string bytes = encode_tag(tag);
  append_little_endian(bytes, siphash24(bytes, keys.current.secret));
  bytes += input;
  append_little_endian(bytes, siphash24(bytes, keys.current.secret));
  const Unsealed unsealed = unseal(base64url_encode(bytes), keys, 0);
  if (unsealed.context && !unseal(seal(*unsealed.context, keys.current), keys, 0).context) {
    std::abort();
  }
  return 0;
}
