// Any packet as a question: what is accepted encodes to something accepted.
#include <cstdlib>
#include <string>

#include "core/wire/asking.h"

using namespace mailorigin;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto question = decode_question({reinterpret_cast<const char*>(data), size});
  if (!question) return 0;
  const std::string packet = encode_question(*question);
  const auto again = decode_question(packet);
  if (packet.size() > packet_limit || !again || again->claims != question->claims) std::abort();
  return 0;
}
