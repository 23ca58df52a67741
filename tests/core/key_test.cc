#include "core/key.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace mailorigin {
namespace {

constexpr std::string_view boot = "0b6bd5c5-3bd6-4cc0-9f0b-6c5f4b1f6a52";

TEST(KeyFile, IsReadAsWritten) {
  const SealKey key = SealKey::generate();
  const std::string bytes = encode_key_file(key, boot);
  EXPECT_EQ(bytes.size(), SealKey::size + boot.size());
  const auto read = decode_key_file(bytes, boot);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->id, key.id);
  EXPECT_EQ(read->secret, key.secret);
}

TEST(KeyFile, IsOfExactlyOneBoot) {
  const std::string bytes = encode_key_file(SealKey::generate(), boot);
  EXPECT_FALSE(decode_key_file(bytes, "1" + std::string(boot.substr(1))));
  EXPECT_FALSE(decode_key_file(bytes, boot.substr(1)));
  EXPECT_FALSE(decode_key_file(bytes + '\n', boot));
  EXPECT_FALSE(decode_key_file(bytes + "\nmore", boot));
  for (std::size_t size = 0; size < bytes.size(); size++) {
    EXPECT_FALSE(decode_key_file(bytes.substr(0, size), boot)) << size;
  }
  EXPECT_FALSE(decode_key_file(bytes.substr(0, SealKey::size), ""));
}

TEST(BootId, IsAWordOfTheKernel) {
  const auto id = boot_id();
  ASSERT_TRUE(id) << id.error().message;
  EXPECT_EQ(id->size(), boot.size());
  EXPECT_EQ(id->find_first_not_of("0123456789abcdef-"), std::string::npos);
  EXPECT_EQ(*id, *boot_id());
}

}  // namespace
}  // namespace mailorigin
