// Any bytes as the packets of `mailorigin limits` and what they carry: what is accepted is the same
// when it is written and read again.
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/wire/limiting.h"

using namespace mailorigin;

namespace {

template <class Decode, class Encode>
void check(std::string_view bytes, Decode decode, Encode encode) {
  const auto value = decode(bytes);
  if (!value) return;
  const std::string written = encode(*value);
  const auto again = decode(written);
  if (!again || encode(*again) != written) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  check(bytes, decode_show_limits, encode_show_limits);
  check(bytes, decode_site_limits, encode_site_limits);
  check(bytes, decode_limit_reset, encode_limit_reset);
  check(bytes, decode_reset_limits, encode_reset_limits);
  check(bytes, decode_limits_reset, encode_limits_reset);
  return 0;
}
