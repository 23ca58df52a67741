// Any packet as an answer or as one of httpd's and the daemon's control messages.
#include <cstdlib>
#include <string_view>

#include "core/wire/asking.h"
#include "core/wire/control.h"

using namespace mailorigin;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view packet(reinterpret_cast<const char*>(data), size);
  if (const auto answer = decode_answer(packet)) {
    const auto again = decode_answer(encode_answer(*answer));
    if (!again || again->headers != answer->headers) std::abort();
  }
  (void)decode_policy_message(packet);
  (void)decode_descriptors_message(packet);
  (void)decode_reply(packet);
  (void)decode_notice(packet);
  return 0;
}
