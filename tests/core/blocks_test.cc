#include "core/blocks.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "core/name_values.h"

namespace mailorigin {
namespace {

BlockSubject subject(std::string_view text) {
  auto parsed = parse_block_subject(text);
  EXPECT_TRUE(parsed) << text << ": " << parsed.error().message;
  return parsed ? *parsed : BlockSubject{};
}

Block block(std::string_view text, bool hold = false) {
  Block made;
  made.subject = subject(text);
  made.hold = hold;
  made.since_ms = 1'795'000'000'000;
  made.by = "alice";
  return made;
}

IpAddress address(std::string_view text) { return *parse_ip_address(text); }

TEST(BlockSubject, IsReadInOneForm) {
  EXPECT_EQ(subject("site:Shop.Example.").text(), "site:shop.example");
  EXPECT_EQ(subject("site:[2001:db8::1]").text(), "site:[2001:db8::1]");
  EXPECT_EQ(subject("script:/srv//shop/./up/../x.php").text(), "script:/srv/shop/x.php");
  EXPECT_EQ(subject("script:/srv/new\nline.php").name, "/srv/new\nline.php");
  EXPECT_EQ(subject("user:#1001").uid, 1001u);
  EXPECT_EQ(subject("client:192.0.2.77/24").text(), "client:192.0.2.0/24");
  EXPECT_EQ(subject("client:::ffff:192.0.2.7").text(), "client:192.0.2.7");
  EXPECT_EQ(subject("client:2001:DB8:0::1/128").text(), "client:2001:db8::1");
}

TEST(BlockSubject, OtherWordsAreRefusedWithWhatIsExpected) {
  for (const char* text : {"",
                           "shop.example",
                           "site",
                           "site:",
                           "site:a b",
                           "site:shop.example:443",
                           "site:a/b",
                           "script:x.php",
                           "script:",
                           "script:/",
                           "script:/..",
                           "user:",
                           "user:#",
                           "user:#x",
                           "user:#4294967295",
                           "client:",
                           "client:shop",
                           "client:192.0.2.1/33",
                           "client:::1/129",
                           "client:192.0.2.1/",
                           "host:x"}) {
    const auto parsed = parse_block_subject(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_NE(parsed.error().message.find(':'), std::string::npos) << text;
  }
  EXPECT_FALSE(parse_block_subject("script:/" + std::string(block_name_limit, 'x')));
  EXPECT_FALSE(parse_block_subject(std::string("script:/x\0y", 11)));
}

TEST(Blocks, AreFoundByWhatTheyAreOf) {
  Blocks blocks;
  Block script = block("script:/var/www/x.php");
  script.real_path = "/srv/x.php";
  for (const Block& each : {block("site:shop.example"), script, block("user:#1001"),
                            block("client:192.0.2.0/24"), block("client:2001:db8::/32")}) {
    ASSERT_TRUE(blocks.add(each));
  }
  EXPECT_NE(blocks.of_site("shop.example"), nullptr);
  EXPECT_EQ(blocks.of_site("www.shop.example"), nullptr);
  EXPECT_EQ(blocks.of_script("/var/www/x.php"), blocks.of_script("/srv/x.php"));
  EXPECT_NE(blocks.of_script("/srv/x.php"), nullptr);
  EXPECT_EQ(blocks.of_script("/srv/x.phpx"), nullptr);
  EXPECT_NE(blocks.of_user(1001), nullptr);
  EXPECT_EQ(blocks.of_user(0), nullptr);
  const auto clients = [&](std::string_view text) {
    int count = 0;
    blocks.of_client(address(text), [&](const Block&) { count++; });
    return count;
  };
  EXPECT_EQ(clients("192.0.2.9"), 1);
  EXPECT_EQ(clients("192.0.3.9"), 0);
  EXPECT_EQ(clients("::ffff:192.0.2.9"), 1);
  EXPECT_EQ(clients("2001:db8:ffff::1"), 1);
  EXPECT_EQ(clients("2001:db9::1"), 0);
}

TEST(Blocks, OneOfTheSameSubjectTakesThePlaceOfTheOther) {
  Blocks blocks;
  ASSERT_TRUE(blocks.add(block("user:#7")));
  Block named = block("user:#7", true);
  named.subject.name = "shop";
  ASSERT_TRUE(blocks.add(named));
  ASSERT_EQ(blocks.list().size(), 1u);
  EXPECT_TRUE(blocks.list()[0].hold);
  EXPECT_FALSE(blocks.remove(subject("user:#8")));
  EXPECT_TRUE(blocks.remove(subject("user:#7")));
  EXPECT_TRUE(blocks.empty());
  EXPECT_EQ(blocks.of_user(7), nullptr);
}

TEST(Blocks, EndWhenTheirTimeIsOver) {
  Blocks blocks;
  Block hour = block("site:a.example");
  hour.until_ms = 1000;
  ASSERT_TRUE(blocks.add(hour));
  ASSERT_TRUE(blocks.add(block("site:b.example")));
  EXPECT_TRUE(blocks.expire(999).empty());
  ASSERT_EQ(blocks.expire(1000).size(), 1u);
  EXPECT_EQ(blocks.of_site("a.example"), nullptr);
  EXPECT_NE(blocks.of_site("b.example"), nullptr);
}

TEST(Blocks, AreLimitedInNumber) {
  Blocks blocks;
  for (std::size_t i = 0; i < blocks_limit; i++) {
    ASSERT_TRUE(blocks.add(block("user:#" + std::to_string(i))));
  }
  EXPECT_FALSE(blocks.add(block("user:#999999")));
  EXPECT_TRUE(blocks.add(block("user:#5")));  // another time for one that is there
  EXPECT_LT(blocks.encode().size(), blocks_size_limit);
}

TEST(Blocks, AreReadAsTheyWereWritten) {
  Blocks blocks;
  Block script = block("script:/srv/\x01\xff\n.php", true);
  script.real_path = "/data/x.php";
  script.until_ms = 1'795'000'100'000;
  script.reason = "spam\n\"x\"";
  ASSERT_TRUE(blocks.add(script));
  ASSERT_TRUE(blocks.add(block("client:2001:db8::/32")));
  ASSERT_TRUE(blocks.add(block("user:#1001")));
  const std::string bytes = blocks.encode();
  const auto read = Blocks::decode(bytes);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->encode(), bytes);
  const Block& first = read->list()[0];
  EXPECT_EQ(first.description(), script.description());
  EXPECT_TRUE(first.hold);
  EXPECT_NE(read->of_script("/data/x.php"), nullptr);
}

TEST(Blocks, NoneAtAllAreBytesToo) {
  const auto read = Blocks::decode(Blocks().encode());
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->empty());
  EXPECT_FALSE(Blocks::decode(""));
}

TEST(Blocks, DamageIsSeenInEveryByte) {
  Blocks blocks;
  ASSERT_TRUE(blocks.add(block("site:shop.example")));
  const std::string bytes = blocks.encode();
  for (std::size_t i = 0; i < bytes.size(); i++) {
    std::string damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_FALSE(Blocks::decode(damaged)) << i;
    EXPECT_FALSE(Blocks::decode(bytes.substr(0, i))) << i;
  }
  EXPECT_FALSE(Blocks::decode(bytes + bytes));
}

TEST(Blocks, ABlockIsRefusedWithoutWhatItNeeds) {
  const auto pairs = [](std::initializer_list<std::pair<const char*, std::string>> list) {
    std::string out;
    NameValueWriter writer(out);
    for (const auto& [name, value] : list) writer.add(name, value);
    return out;
  };
  EXPECT_TRUE(decode_block(pairs({{"kind", "site"}, {"name", "a.example"}})));
  EXPECT_FALSE(decode_block(pairs({{"name", "a.example"}})));
  EXPECT_FALSE(decode_block(pairs({{"kind", "site"}})));
  EXPECT_FALSE(decode_block(pairs({{"kind", "user"}, {"name", "shop"}})));
  EXPECT_FALSE(decode_block(pairs({{"kind", "script"}, {"name", "/x"}, {"real_path", "y"}})));
  EXPECT_FALSE(decode_block(pairs({{"kind", "site"}, {"name", "a.example"}, {"hold", "yes"}})));
  EXPECT_FALSE(decode_block(pairs({{"kind", "site"}, {"name", "a"}, {"until", "-1"}})));
  EXPECT_FALSE(decode_block(pairs({{"kind", "site"}, {"name", "a"}, {"else", "1"}})));
  EXPECT_FALSE(decode_block(pairs(
      {{"kind", "site"}, {"name", "a"}, {"reason", std::string(block_reason_limit + 1, 'x')}})));
}

}  // namespace
}  // namespace mailorigin
