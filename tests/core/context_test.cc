#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <numeric>
#include <string>

#include "core/base64url.h"
#include "core/seal.h"

namespace mailorigin {
namespace {

constexpr std::uint64_t now = 1'000'000'000'000'000;

Context example() {
  Context context;
  context.tag.vhost_id = 7;
  context.tag.uid = 33;
  context.tag.request_id = UlidGenerator().next(1'700'000'000'000);
  context.tag.boottime_ns = now;
  context.vhost = "shop.example:443";
  context.docroot = "/srv/shop";
  context.entry = "/srv/shop/index.php";
  context.client = "192.0.2.7";
  context.method = "POST";
  context.uri = "/contact?x=1";
  return context;
}

TEST(SipHash, MatchesThePublishedVectors) {
  // "SipHash: a fast short-input PRF", appendix A, and the reference vectors.
  std::array<unsigned char, 16> key{};
  std::iota(key.begin(), key.end(), static_cast<unsigned char>(0));
  const std::uint64_t expected[] = {0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a,
                                    0x85676696d7fb7e2d, 0xcf2794e0277187b7, 0x18765564cd99a68d,
                                    0xcbc9466e58fee3ce, 0xab0200f58b01d137, 0x93f5f5799a932462};
  std::string input;
  for (const std::uint64_t hash : expected) {
    EXPECT_EQ(siphash24(input, key), hash) << input.size();
    input += static_cast<char>(input.size());
  }
  while (input.size() < 15) input += static_cast<char>(input.size());
  EXPECT_EQ(siphash24(input, key), 0xa129ca6149be45e5U);
}

TEST(Seal, HoldsEveryPartOfTheContext) {
  const SealKey key = SealKey::generate();
  const Context context = example();
  const Unsealed unsealed = unseal(seal(context, key), {key, {}}, now + 5);
  ASSERT_TRUE(unsealed.context);
  const Context& read = *unsealed.context;
  EXPECT_EQ(read.tag.vhost_id, 7U);
  EXPECT_EQ(read.tag.uid, 33U);
  EXPECT_EQ(read.tag.request_id, context.tag.request_id);
  EXPECT_EQ(read.tag.key_id, key.id);
  EXPECT_EQ(read.tag.flags, 0);
  EXPECT_EQ(read.vhost, context.vhost);
  EXPECT_EQ(read.docroot, context.docroot);
  EXPECT_EQ(read.entry, context.entry);
  EXPECT_EQ(read.client, context.client);
  EXPECT_EQ(read.method, context.method);
  EXPECT_EQ(read.uri, context.uri);
}

TEST(Seal, BreaksWithEveryChangedBit) {
  const SealKey key = SealKey::generate();
  const std::string bytes = *base64url_decode(seal(example(), key));
  for (std::size_t bit = 0; bit < bytes.size() * 8; bit++) {
    std::string changed = bytes;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    EXPECT_FALSE(unseal(base64url_encode(changed), {key, {}}, now).context) << bit;
  }
}

TEST(Seal, BreaksWhenCutOrExtended) {
  const SealKey key = SealKey::generate();
  const std::string bytes = *base64url_decode(seal(example(), key));
  for (std::size_t length = 0; length < bytes.size(); length++) {
    EXPECT_FALSE(unseal(base64url_encode(bytes.substr(0, length)), {key, {}}, now).context);
  }
  EXPECT_FALSE(unseal(base64url_encode(bytes + '\0'), {key, {}}, now).context);
  EXPECT_EQ(unseal(std::string(context_text_limit + 1, 'A'), {key, {}}, now).fault,
            SealFault::malformed);
}

TEST(Seal, TagOfOneContextDoesNotFitTheDetailsOfAnother) {
  const SealKey key = SealKey::generate();
  Context other = example();
  other.vhost = "blog.example:443";
  const std::string one = *base64url_decode(seal(example(), key));
  const std::string two = *base64url_decode(seal(other, key));
  const std::string mixed = one.substr(0, ContextTag::size) + two.substr(ContextTag::size);
  EXPECT_EQ(unseal(base64url_encode(mixed), {key, {}}, now).fault, SealFault::forged);
}

TEST(Seal, NamesWhyItRefuses) {
  const SealKey key = SealKey::generate();
  const SealKey other = SealKey::generate();
  const std::string text = seal(example(), key);
  EXPECT_EQ(unseal(text, {other, {}}, now).fault, SealFault::unknown_key);
  SealKey forger = key;
  forger.secret[3] ^= 1;
  EXPECT_EQ(unseal(seal(example(), forger), {key, {}}, now).fault, SealFault::forged);
  EXPECT_EQ(unseal(text, {key, {}}, now + context_lifetime_ns + 1).fault, SealFault::expired);
  EXPECT_EQ(unseal(text, {key, {}}, now - 2'000'000'000).fault, SealFault::expired);
  EXPECT_EQ(unseal("not a context", {key, {}}, now).fault, SealFault::malformed);
  EXPECT_TRUE(unseal(text, {key, {}}, now + context_lifetime_ns).context);
}

TEST(Seal, ThePreviousKeyStillVerifies) {
  const SealKey before = SealKey::generate();
  const SealKey after = SealKey::generate();
  EXPECT_TRUE(unseal(seal(example(), before), {after, before}, now).context);
}

TEST(Seal, CutsLongDetailsAndSaysSo) {
  const SealKey key = SealKey::generate();
  Context context = example();
  context.uri = "/" + std::string(100'000, 'u');
  context.docroot = std::string(100'000, 'd');
  context.entry = std::string(100'000, 'e');
  context.vhost = std::string(100'000, 'v');
  const std::string text = seal(context, key);
  EXPECT_LE(text.size(), context_text_limit);
  const Unsealed unsealed = unseal(text, {key, {}}, now);
  ASSERT_TRUE(unsealed.context);
  EXPECT_EQ(unsealed.context->uri.size(), context_uri_limit);
  EXPECT_TRUE(unsealed.context->tag.flags & ContextTag::truncated);
}

TEST(SealKey, ReadsBackItsBytes) {
  const SealKey key = SealKey::generate();
  const auto read = SealKey::from_bytes(key.bytes());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->id, key.id);
  EXPECT_EQ(read->secret, key.secret);
  EXPECT_FALSE(SealKey::from_bytes(key.bytes().substr(1)));
}

}  // namespace
}  // namespace mailorigin
