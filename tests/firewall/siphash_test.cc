// The kernel's SipHash against APR's, which httpd and the daemon use.
#include "firewall/kernel/siphash.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>

#include "core/bytes.h"
#include "core/seal.h"

namespace mailorigin::firewall {
namespace {

mo_key kernel_key(const std::array<unsigned char, 16>& secret) {
  const std::string bytes(secret.begin(), secret.end());
  return {little_endian<std::uint64_t>(bytes, 0), little_endian<std::uint64_t>(bytes, 8)};
}

std::uint64_t in_kernel(const std::string& bytes, const std::array<unsigned char, 16>& secret) {
  std::uint64_t words[mo_sealed_words];
  std::memcpy(words, bytes.data(), sizeof words);
  return mo_siphash(words, kernel_key(secret));
}

TEST(KernelSipHash, IsAprs) {
  std::mt19937 random(1);
  for (int i = 0; i < 10'000; i++) {
    std::string bytes(ContextTag::sealed, '\0');
    std::array<unsigned char, 16> secret{};
    for (char& byte : bytes) byte = static_cast<char>(random());
    for (unsigned char& byte : secret) byte = static_cast<unsigned char>(random());
    ASSERT_EQ(in_kernel(bytes, secret), siphash24(bytes, secret));
  }
}

TEST(KernelSipHash, DependsOnEachByteAndOnTheKey) {
  const std::string bytes(ContextTag::sealed, 'x');
  const std::array<unsigned char, 16> secret{1, 2, 3};
  const std::uint64_t hash = in_kernel(bytes, secret);
  for (std::size_t i = 0; i < bytes.size(); i++) {
    std::string other = bytes;
    other[i] ^= 1;
    EXPECT_NE(in_kernel(other, secret), hash);
  }
  EXPECT_NE(in_kernel(bytes, {1, 2, 4}), hash);
}

}  // namespace
}  // namespace mailorigin::firewall
