// Any packet as a process for the firewall: what is accepted encodes to the same again.
#include <cstdlib>
#include <cstring>
#include <string>

#include "core/wire/firewall.h"

using namespace mailorigin;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto process = decode_process({reinterpret_cast<const char*>(data), size});
  if (!process) return 0;
  const std::string packet = encode_process(*process);
  const auto again = decode_process(packet);
  if (packet.size() > packet_limit || !again ||
      std::memcmp(&*again, &*process, sizeof(mo_registration)) != 0) {
    std::abort();
  }
  return 0;
}
