// Any packet as what a milter tells of a message: what is accepted encodes to the same again.
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/wire/queueing.h"

using namespace mailorigin;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const auto mail = decode_queued({reinterpret_cast<const char*>(data), size});
  if (!mail) return 0;
  const std::string packet = encode_queued(*mail);
  const auto again = decode_queued(packet);
  if (packet.size() > packet_limit || !again || again->nonce != mail->nonce ||
      again->queue_id != mail->queue_id || again->by_smtp != mail->by_smtp ||
      again->tickets != mail->tickets || again->recipients != mail->recipients ||
      again->local_domains != mail->local_domains || again->cookie != mail->cookie ||
      // Ends are said of a connection alone.
      (mail->cookie != 0 && (again->client != mail->client || again->server != mail->server)) ||
      again->uid != mail->uid || again->uid_from != mail->uid_from ||
      again->claims != mail->claims) {
    std::abort();
  }
  return 0;
}
