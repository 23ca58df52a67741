// The seal of a context: SipHash-2-4 (apr_siphash24) under a key that httpd
// makes once per boot and shares with the daemon and the kernel alone.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/context.h"
#include "core/key.h"

namespace mailorigin {

inline constexpr std::uint64_t context_lifetime_ns = 86'400ULL * 1'000'000'000ULL;

// The text of SSL_MAILORIGIN_CONTEXT. The tag's key_id and truncated flag are
// set here; everything else is the caller's.
std::string seal(const Context& context, const SealKey& key);

// The bytes of a tag and pairs, both sealed. The tag's key_id is set here.
std::string seal_bytes(ContextTag tag, std::string_view pairs, const SealKey& key);

// SipHash-2-4 as apr_siphash24() computes it: what both seals are.
std::uint64_t siphash24(std::string_view bytes, const std::array<unsigned char, 16>& key);

enum class SealFault {
  malformed,    // not base64url, too short or too long, pairs that do not parse
  unknown_key,  // neither the current nor the previous key
  forged,       // a seal does not match
  expired,      // older than a day, or from the future
};
std::string_view seal_fault_name(SealFault fault);

// What a check of a context yields: the context, or why it was refused.
struct Unsealed {
  std::optional<Context> context;
  SealFault fault = SealFault::malformed;  // meaningful without a context
};

// `now_ns` is CLOCK_BOOTTIME. The uid and the process are the daemon's to compare.
Unsealed unseal(std::string_view text, const KeyRing& keys, std::uint64_t now_ns);
// The same for the bytes that the text stands for.
Unsealed unseal_bytes(std::string_view bytes, const KeyRing& keys, std::uint64_t now_ns);

// What seal_bytes() made for that purpose (ContextTag::deputy, or 0 for a context): its pairs,
// which point into `bytes`, or why they do not count.
struct UnsealedPairs {
  std::optional<ContextTag> tag;
  std::string_view pairs;
  SealFault fault = SealFault::malformed;  // meaningful without a tag
};
UnsealedPairs unseal_pairs(std::string_view bytes, std::uint8_t purpose, const KeyRing& keys,
                           std::uint64_t now_ns);

}  // namespace mailorigin
