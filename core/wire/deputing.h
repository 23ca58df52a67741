// What httpd says to mailorigind of a connection that a request makes it open itself, to an SMTP
// port: sealed, since a tenant's program may run as httpd's user. Answered with an answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/context.h"
#include "core/event.h"
#include "core/key.h"
#include "core/result.h"
#include "core/wire/asking.h"
#include "core/wire/packet.h"

namespace mailorigin {

// Of a sealed statement: details and fields at their limits.
inline constexpr std::size_t deputed_limit = 16384;

struct DeputedConnection {
  Nonce nonce{};    // the same when asked again after a lost connection
  Context request;  // whose it is; of its tag, ContextTag::deputy is set by encode_deputed()
  // What the virtual host's directives say of it (verdict, reason), where it leads (dst,
  // dst_port), what made httpd open it (file, line, caller) and httpd's program (exe).
  Event connection;
};

// Below packet_limit. Other fields of the connection are left out.
std::string encode_deputed(const DeputedConnection& deputed, const SealKey& key);
// Fails where httpd has not sealed it, and on a connection without verdict, dst or dst_port.
// `now_ns` is CLOCK_BOOTTIME.
Result<DeputedConnection> decode_deputed(std::string_view packet, const KeyRing& keys,
                                         std::uint64_t now_ns);

}  // namespace mailorigin
