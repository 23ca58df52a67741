#include "core/seal.h"

#include <apr_siphash.h>

#include <utility>

#include "core/base64url.h"
#include "core/bytes.h"

namespace mailorigin {

namespace {

constexpr std::size_t hash_size = 8;

// A forger learns nothing from the time that this takes.
bool equal(std::uint64_t a, std::uint64_t b) {
  const volatile std::uint64_t difference = a ^ b;
  return difference == 0;
}

const SealKey* find_key(const KeyRing& keys, std::uint32_t id) {
  if (keys.current.id == id) return &keys.current;
  if (keys.previous && keys.previous->id == id) return &*keys.previous;
  return nullptr;
}

// Clocks of one machine agree; this covers the reader's being taken earlier.
constexpr std::uint64_t future_tolerance_ns = 1'000'000'000;

}  // namespace

std::uint64_t siphash24(std::string_view bytes, const std::array<unsigned char, 16>& key) {
  return apr_siphash24(bytes.data(), bytes.size(), key.data());
}

std::string seal(const Context& context, const SealKey& key) {
  std::string pairs;
  pairs.reserve(512);
  ContextTag tag = context.tag;
  if (append_details(pairs, context)) tag.flags |= ContextTag::truncated;
  return base64url_encode(seal_bytes(tag, pairs, key));
}

std::string seal_bytes(ContextTag tag, std::string_view pairs, const SealKey& key) {
  tag.key_id = key.id;
  std::string bytes = encode_tag(tag);
  bytes.reserve(ContextTag::size + pairs.size() + hash_size);
  append_little_endian(bytes, siphash24(bytes, key.secret));
  bytes += pairs;
  append_little_endian(bytes, siphash24(bytes, key.secret));
  return bytes;
}

std::string_view seal_fault_name(SealFault fault) {
  switch (fault) {
    case SealFault::malformed:
      return "malformed";
    case SealFault::unknown_key:
      return "unknown-key";
    case SealFault::forged:
      return "forged";
    case SealFault::expired:
      return "expired";
  }
  return "malformed";
}

Unsealed unseal(std::string_view text, const KeyRing& keys, std::uint64_t now_ns) {
  if (text.size() > context_text_limit) return {};
  const auto decoded = base64url_decode(text);
  return decoded ? unseal_bytes(*decoded, keys, now_ns) : Unsealed();
}

Unsealed unseal_bytes(std::string_view bytes, const KeyRing& keys, std::uint64_t now_ns) {
  const UnsealedPairs unsealed = unseal_pairs(bytes, 0, keys, now_ns);
  if (!unsealed.tag) return {std::nullopt, unsealed.fault};
  Context context;
  context.tag = *unsealed.tag;
  if (!read_details(unsealed.pairs, context)) return {};
  return {std::move(context), SealFault::malformed};
}

UnsealedPairs unseal_pairs(std::string_view bytes, std::uint8_t purpose, const KeyRing& keys,
                           std::uint64_t now_ns) {
  if (bytes.size() < ContextTag::size + hash_size) return {};
  const auto tag = decode_tag(bytes, purpose);
  if (!tag) return {};

  const SealKey* key = find_key(keys, tag->key_id);
  if (key == nullptr) return {std::nullopt, {}, SealFault::unknown_key};
  const std::size_t end = bytes.size() - hash_size;
  const bool tag_holds = equal(siphash24(bytes.substr(0, ContextTag::sealed), key->secret),
                               little_endian<std::uint64_t>(bytes, ContextTag::sealed));
  const bool whole_holds =
      equal(siphash24(bytes.substr(0, end), key->secret), little_endian<std::uint64_t>(bytes, end));
  if (!tag_holds || !whole_holds) return {std::nullopt, {}, SealFault::forged};

  if (tag->boottime_ns > now_ns + future_tolerance_ns ||
      now_ns > tag->boottime_ns + context_lifetime_ns) {
    return {std::nullopt, {}, SealFault::expired};
  }
  return {tag, bytes.substr(ContextTag::size, end - ContextTag::size), SealFault::malformed};
}

}  // namespace mailorigin
