// Any packet as a registration or a hello: what is accepted encodes to the same again.
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/wire/asking.h"

using namespace mailorigin;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto context = decode_hello(bytes)) {
    const std::string packet = encode_hello(*context);
    if (*decode_hello(packet) != *context) std::abort();
  }
  const auto registration = decode_registration(bytes);
  if (!registration) return 0;
  const std::string packet = encode_registration(*registration);
  const auto again = decode_registration(packet);
  if (packet.size() > packet_limit || !again || again->nonce != registration->nonce ||
      again->context != registration->context || again->page != registration->page) {
    std::abort();
  }
  return 0;
}
