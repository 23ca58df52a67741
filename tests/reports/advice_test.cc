#include "reports/advice.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailorigin::reports {
namespace {

Event mail_of(const std::string& caller) {
  Event event;
  event.set(Field::kind, "mail");
  event.set(Field::vhost, "shop.example:80");
  event.set(Field::entry, "/srv/index.php");
  event.set(Field::caller, caller);
  return event;
}

TEST(Advice, NamesTheFileThatMadeTheCode) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"/srv/x.php:3", "/srv/x.php"},
      {"/srv/x.php(1) : eval()'d code:3", "/srv/x.php"},
      {"/srv/x.php(1) : eval()'d code(20) : eval()'d code:3", "/srv/x.php"},
      {"/srv/a (1).php(4) : assert code:1", "/srv/a (1).php"},
      {"/srv/a(1) : b/x.php:1", "/srv/a(1) : b/x.php"},
      {"/srv/a() : b:1", "/srv/a() : b"},
      {"/srv/a(x) : b:1", "/srv/a(x) : b"},
      {"/srv/(1) : b:1", "/srv/(1) : b"},
      {"[internal function]:0", "/srv/index.php"},
      {"", "/srv/index.php"},
  };
  for (const auto& [caller, script] : cases) {
    EXPECT_EQ(blamed_script(mail_of(caller)), script) << caller;
  }
  const auto lines = advice(mail_of("/srv/x.php(1) : eval()'d code:3"), nullptr);
  ASSERT_FALSE(lines.empty());
  EXPECT_EQ(lines[0], R"(MailOriginDenyScript "^/srv/x\\.php$")");
}

TEST(Advice, NamesAFileThatIsCalledLikeMadeCode) {
  const std::string file = testing::TempDir() + "advice_test.php(1) : y.php";
  ASSERT_TRUE(std::ofstream(file));
  EXPECT_EQ(blamed_script(mail_of(file + ":3")), file);
  EXPECT_EQ(blamed_script(mail_of(file + "(7) : eval()'d code:3")), file);
  std::filesystem::remove(file);
  EXPECT_EQ(blamed_script(mail_of(file + ":3")), testing::TempDir() + "advice_test.php");
}

TEST(Advice, BlocksByACommandForAShell) {
  EXPECT_EQ(block_command(mail_of("/srv/x.php:3")), "mailorigin block script:/srv/x.php");
  EXPECT_EQ(block_command(mail_of("/srv/it's $(x).php:3")),
            R"(mailorigin block 'script:/srv/it'\''s $(x).php')");
  Event event;
  EXPECT_EQ(block_command(event), "");
  event.set(Field::uid, "1001");
  EXPECT_EQ(block_command(event), "mailorigin block 'user:#1001'");
  event.set(Field::uid, "0");
  EXPECT_EQ(block_command(event), "");
}

TEST(Advice, WhatTheFirewallRefusedNeedsNoLine) {
  Event event = mail_of("/srv/x.php:3");
  event.set(Field::kind, "smtp");
  event.set(Field::verdict, "observe");
  EXPECT_EQ(advice(event, nullptr), std::vector<std::string>{"MailOriginSmtp deny"});
  event.set(Field::verdict, "deny");
  EXPECT_TRUE(advice(event, nullptr).empty());
}

TEST(Advice, SaysNothingThatIsInForce) {
  Policy policy;
  policy.vhosts.emplace_back().name = "shop.example:80";
  const Event event = mail_of("/srv/x.php:3");
  const std::string script = R"(MailOriginDenyScript "^/srv/x\\.php$")";
  EXPECT_EQ(advice(event, &policy),
            (std::vector<std::string>{script, "MailOriginSend hold", "MailOriginSend deny"}));
  policy.vhosts[0].send = Rule::hold;
  EXPECT_EQ(advice(event, &policy), (std::vector<std::string>{script, "MailOriginSend deny"}));
  policy.vhosts[0].send = Rule::deny;
  EXPECT_EQ(advice(event, &policy), std::vector<std::string>{script});
}

TEST(Advice, WhereTheFirewallOnlyObservesItIsTheServersTurn) {
  Policy policy;
  policy.firewall.mode = FirewallMode::observe;
  policy.vhosts.emplace_back().name = "shop.example:80";
  Event event = mail_of("/srv/x.php:3");
  event.set(Field::kind, "smtp");
  event.set(Field::verdict, "observe");
  EXPECT_EQ(advice(event, &policy), std::vector<std::string>{"MailOriginFirewall On"});
  EXPECT_TRUE(is_of_server("MailOriginFirewall On"));
  policy.vhosts[0].smtp.rule = SmtpRule::allow;
  EXPECT_EQ(advice(event, &policy), std::vector<std::string>{"MailOriginSmtp deny"});
  EXPECT_FALSE(is_of_server("MailOriginSmtp deny"));
}

TEST(Advice, ConnectionsAreStoppedBySiteOrUser) {
  Event event = mail_of("/srv/x.php:3");
  event.set(Field::kind, "smtp");
  event.set(Field::verdict, "observe");
  event.set(Field::uid, "1001");
  EXPECT_EQ(block_command(event), "mailorigin block 'user:#1001'");
  event.set(Field::site, "shop.example");
  EXPECT_EQ(block_command(event), "mailorigin block site:shop.example");
  event.set(Field::verdict, "deny");
  event.set(Field::docroot, "/srv");
  event.set(Field::verified, true);
  EXPECT_EQ(block_command(event), "mailorigin block script:/srv/x.php");
}

TEST(Advice, BlocksNoScriptThatIsAnothers) {
  Event event = mail_of("/usr/share/php/Mail.php:3");
  event.set(Field::uid, "1001");
  event.set(Field::site, "shop.example");
  EXPECT_EQ(block_command(event), "mailorigin block site:shop.example") << "a claim alone";
  event.set(Field::docroot, "/srv");
  EXPECT_EQ(block_command(event), "mailorigin block site:shop.example") << "likewise";
  event.set(Field::verified, true);
  EXPECT_EQ(block_command(event), "mailorigin block script:/srv/index.php") << "what is sealed";
  event.set(Field::entry, "/srv/\\xff.php");
  EXPECT_EQ(block_command(event), "mailorigin block site:shop.example")
      << "the store's own writing";
  event.set(Field::entry, "/srv/index.php");
  event.set(Field::docroot, "/srv/shop");
  EXPECT_EQ(block_command(event), "mailorigin block site:shop.example") << "an Alias";
  // Outside of the DocumentRoot, its user's.
  const std::string file = testing::TempDir() + "advice_test.php";
  ASSERT_TRUE(std::ofstream(file));
  event.set(Field::caller, file + ":3");
  event.set(Field::uid, std::to_string(getuid()));
  EXPECT_EQ(block_command(event), "mailorigin block script:" + file);
  event.set(Field::uid, std::to_string(getuid() + 1));
  EXPECT_EQ(block_command(event), "mailorigin block site:shop.example");
  std::filesystem::remove(file);
}

TEST(Advice, IsInCharactersThatCanBePasted) {
  for (const char* name : {"/srv/a\nb.php:3", "/srv/a\033[2Jb.php:3",
                           "/srv/a\xff"
                           "b.php:3"}) {
    Event event = mail_of(name);
    event.set(Field::entry, std::string(name, std::string_view(name).size() - 2));
    event.set(Field::site, "shop.example");
    EXPECT_EQ(block_command(event), "mailorigin block site:shop.example") << name;
  }
  EXPECT_EQ(advice(mail_of("/srv/a\nb.php:3"), nullptr)[0],
            R"(MailOriginDenyScript "^/srv/a\\x0ab\\.php$")");
  EXPECT_EQ(advice(mail_of("/srv/\xc3\xa4.php:3"), nullptr)[0],
            "MailOriginDenyScript \"^/srv/\xc3\xa4\\\\.php$\"");
}

TEST(Advice, KnowsWhatIsBlocked) {
  constexpr std::uint64_t now_ms = 1000;
  Blocks blocks;
  const auto add = [&](const char* subject, std::optional<std::uint64_t> until_ms) {
    Block block;
    block.subject = *parse_block_subject(subject);
    block.until_ms = until_ms;
    ASSERT_TRUE(blocks.add(block));
  };
  add("script:/srv/x.php", {});
  add("client:192.0.2.0/24", {});
  add("user:#1001", {});
  add("site:shop.example", now_ms);
  Event event = mail_of("/srv/x.php:3");
  EXPECT_EQ(blocks_of(event, blocks, now_ms).size(), 1U);
  event.set(Field::site, "shop.example");
  EXPECT_EQ(blocks_of(event, blocks, now_ms).size(), 1U) << "it is over";
  event.set(Field::client, "192.0.2.7");
  event.set(Field::uid, "1001");
  EXPECT_EQ(blocks_of(event, blocks, now_ms - 1).size(), 3U) << "the script is the sender's word";
  event.set(Field::verified, true);
  event.set(Field::docroot, "/srv");
  EXPECT_EQ(blocks_of(event, blocks, now_ms - 1).size(), 4U);
  event.set(Field::kind, "smtp");
  EXPECT_EQ(blocks_of(event, blocks, now_ms - 1).size(), 2U) << "of site and user alone";
  EXPECT_TRUE(blocks_of(mail_of("/srv/y.php:1"), blocks, 0).empty());
}

}  // namespace
}  // namespace mailorigin::reports
