#include "firewall/kept_names.h"

#include <gtest/gtest.h>

#include <string>

#include "firewall/limits.h"

namespace mailorigin::firewall {
namespace {

const NameAddresses names{
    {"mx.example", {*parse_ip_address("192.0.2.1"), *parse_ip_address("2001:db8::1")}},
    {"relay.example", {*parse_ip_address("192.0.2.2")}}};

TEST(KeptNames, AreReadAsTheyWereWritten) {
  const std::string text = names_text(names);
  EXPECT_EQ(text, "mx.example 192.0.2.1 2001:db8::1\nrelay.example 192.0.2.2\n");
  const auto read = parse_names(text);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, names);
  EXPECT_TRUE(parse_names("")->empty());
}

TEST(KeptNames, BadContentIsRefusedWithItsLine) {
  for (const std::string bad : {"name\n", "name \n", " 192.0.2.1\n", "\n", "name nonsense\n",
                                "name  192.0.2.1\n", "na\tme 192.0.2.1\n"}) {
    const auto read = parse_names("mx.example 192.0.2.1\n" + bad);
    ASSERT_FALSE(read) << bad;
    EXPECT_TRUE(read.error().message.starts_with("line 2: ")) << read.error().message;
  }
  EXPECT_FALSE(parse_names(std::string(1000, '\0')));
}

TEST(KeptNames, AreBounded) {
  std::string line = "name";
  for (std::size_t i = 0; i < addresses_per_name; i++) line += " 192.0.2.1";
  EXPECT_TRUE(parse_names(line));
  EXPECT_FALSE(parse_names(line + " 192.0.2.1"));
  std::string text;
  for (std::size_t i = 0; i < names_limit; i++) text += "n" + std::to_string(i) + " 192.0.2.1\n";
  EXPECT_TRUE(parse_names(text));
  EXPECT_FALSE(parse_names(text + "more 192.0.2.1\n"));
  EXPECT_EQ(
      parse_names(names_text({{"name", {addresses_per_name + 1, IpAddress{}}}}))->at("name").size(),
      addresses_per_name);
}

}  // namespace
}  // namespace mailorigin::firewall
