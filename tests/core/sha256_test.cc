#include "core/sha256.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace mailorigin {
namespace {

std::string hex(const Sha256::Digest& digest) {
  std::string out;
  for (const std::uint8_t byte : digest) {
    char digits[3];
    std::snprintf(digits, sizeof digits, "%02x", byte);
    out += digits;
  }
  return out;
}

std::string of(std::string_view text) {
  Sha256 hash;
  hash.add(text);
  return hex(hash.finish());
}

// FIPS 180-4's examples.
TEST(Sha256, IsTheStandards) {
  EXPECT_EQ(of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(of(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, IsTheSameInPieces) {
  const std::string text(300, 'x');
  for (std::size_t length = 0; length < text.size(); length++) {
    Sha256 hash;
    hash.add(text.substr(0, length));
    hash.add(text.substr(length));
    ASSERT_EQ(hex(hash.finish()), of(text)) << length;
  }
}

}  // namespace
}  // namespace mailorigin
