#include "core/wire/deputing.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/name_values.h"
#include "core/seal.h"

namespace mailorigin {
namespace {

constexpr std::uint64_t now_ns = 5'000'000'000;

DeputedConnection deputed() {
  DeputedConnection out;
  out.nonce[3] = 9;
  out.request.tag.vhost_id = 7;
  out.request.tag.boottime_ns = now_ns;
  out.request.vhost = "shop.example:80";
  out.request.client = "192.0.2.7";
  out.connection.set(Field::verdict, "deny");
  out.connection.set(Field::reason, "smtp-local");
  out.connection.set(Field::dst, "127.0.0.1");
  out.connection.set(Field::dst_port, "25");
  out.connection.set(Field::file, "/srv/shop/.htaccess");
  out.connection.set(Field::line, "3");
  return out;
}

class Deputed : public ::testing::Test {
 protected:
  [[nodiscard]] bool is_taken(const DeputedConnection& sent) const {
    return static_cast<bool>(decode_deputed(encode_deputed(sent, keys_.current), keys_, now_ns));
  }
  const KeyRing keys_{SealKey::generate(), std::nullopt};
};

TEST_F(Deputed, ComesBackAsItWas) {
  const auto decoded = decode_deputed(encode_deputed(deputed(), keys_.current), keys_, now_ns);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(decoded->nonce, deputed().nonce);
  EXPECT_EQ(decoded->request.tag.vhost_id, 7U);
  EXPECT_EQ(decoded->request.vhost, "shop.example:80");
  EXPECT_EQ(decoded->request.client, "192.0.2.7");
  EXPECT_EQ(decoded->connection, deputed().connection);
}

TEST_F(Deputed, IsHttpdsAlone) {
  SealKey other = SealKey::generate();
  EXPECT_FALSE(decode_deputed(encode_deputed(deputed(), other), keys_, now_ns));
  other.id = keys_.current.id;
  EXPECT_FALSE(decode_deputed(encode_deputed(deputed(), other), keys_, now_ns));
  const std::string packet = encode_deputed(deputed(), keys_.current);
  for (std::size_t at = packet_head_size; at < packet.size(); at++) {
    std::string altered = packet;
    altered[at] ^= 1;
    const auto read = decode_deputed(altered, keys_, now_ns);
    // The nonce is what nothing is sealed over.
    EXPECT_TRUE(!read || read->nonce != deputed().nonce) << at;
  }
}

TEST_F(Deputed, GrowsOld) {
  const std::string packet = encode_deputed(deputed(), keys_.current);
  EXPECT_FALSE(decode_deputed(packet, keys_, now_ns + context_lifetime_ns + 1));
  EXPECT_FALSE(decode_deputed(packet, keys_, 0));
}

// A tenant's program has its own context, and may run as httpd's user.
TEST_F(Deputed, IsNoContextAndAContextIsNone) {
  const std::string pairs = [] {
    std::string out;
    NameValueWriter writer(out);
    writer.add("verdict", "allow");
    writer.add("dst", "127.0.0.1");
    writer.add("dst_port", "25");
    return out;
  }();
  ContextTag tag = deputed().request.tag;
  const auto packet_of = [&](std::string_view statement) {
    std::string packet = encode_head(MessageType::deputed);
    NameValueWriter writer(packet);
    writer.add("nonce", std::string(16, 'n'));
    writer.add("statement", statement);
    return packet;
  };
  EXPECT_FALSE(decode_deputed(packet_of(seal_bytes(tag, pairs, keys_.current)), keys_, now_ns));
  tag.flags = ContextTag::deputy;
  const std::string statement = seal_bytes(tag, pairs, keys_.current);
  EXPECT_TRUE(decode_deputed(packet_of(statement), keys_, now_ns));
  EXPECT_FALSE(unseal_bytes(statement, keys_, now_ns).context);
  EXPECT_FALSE(unseal_bytes(seal_bytes(tag, "", keys_.current), keys_, now_ns).context);
}

TEST_F(Deputed, LeadsSomewhere) {
  const auto without = [](Field field, std::string_view value) {
    DeputedConnection out = deputed();
    out.connection.clear();
    for (const auto& [each, text] :
         {std::pair{Field::verdict, "deny"}, {Field::dst, "::1"}, {Field::dst_port, "25"}}) {
      if (each != field) out.connection.set(each, text);
    }
    out.connection.set(field, value);
    return out;
  };
  EXPECT_TRUE(is_taken(without(Field::dst, "192.0.2.1")));
  for (const char* verdict : {"", "hold", "redirect", "?"}) {
    EXPECT_FALSE(is_taken(without(Field::verdict, verdict))) << verdict;
  }
  EXPECT_FALSE(is_taken(without(Field::dst, "")));
  EXPECT_FALSE(is_taken(without(Field::dst, "localhost")));
  EXPECT_FALSE(is_taken(without(Field::dst_port, "")));
  EXPECT_FALSE(is_taken(without(Field::dst_port, "65536")));
}

TEST_F(Deputed, TheLongestFits) {
  DeputedConnection longest = deputed();
  const std::string text(65536, 'x');
  for (std::string Context::*detail : {&Context::vhost, &Context::docroot, &Context::entry,
                                       &Context::client, &Context::method, &Context::uri}) {
    longest.request.*detail = text;
  }
  for (const Field field : {Field::file, Field::caller, Field::exe, Field::reason}) {
    longest.connection.set(field, text);
  }
  const auto decoded = decode_deputed(encode_deputed(longest, keys_.current), keys_, now_ns);
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_NE(decoded->request.tag.flags & ContextTag::truncated, 0);
  EXPECT_TRUE(decoded->connection.has(Field::truncated));
}

}  // namespace
}  // namespace mailorigin
