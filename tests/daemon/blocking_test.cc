// `mailorigin block`: whose mail a block stops, and the file that keeps it.
#include "mailorigind/judging/blocking.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "service/block_file.h"
#include "tests/harness/daemon.h"

namespace mailorigin::daemon {
namespace {

constexpr std::uint64_t now_ms = 1'795'000'000'000;

class BlockingTest : public ::testing::Test {
 protected:
  BlockingTest() {
    VhostPolicy shop;
    shop.id = 7;
    shop.name = "shop.example:443";
    shop.site = "shop.example";
    shop.docroot = "/var/www/shop";
    shop.real_docroot = "/srv/shop";
    VhostPolicy blog;
    blog.id = 8;
    blog.name = "blog.example:443";
    blog.site = "blog.example";
    blog.docroot = "/var/www/blog";
    policy_.vhosts = {shop, blog};
    policy_.index();
    context_.vhost = shop.name;
    context_.tag.vhost_id = shop.id;
    context_.entry = "/var/www/shop/index.php";
    context_.client = "192.0.2.7";
    other_context_.vhost = blog.name;
    other_context_.tag.vhost_id = blog.id;
  }

  void block(const std::string& text, bool hold = false, std::uint64_t until_ms = 0) {
    Block made;
    made.subject = *parse_block_subject(text);
    made.hold = hold;
    if (until_ms != 0) made.until_ms = until_ms;
    ASSERT_TRUE(blocks_.add(made));
  }

  const Block* found(const Shown& shown, uid_t uid = 1001) const {
    const Decision decision = decide(shown, uid, "", policy_);
    return find_block(blocks_, {question_, uid, shown, decision, policy_, SiteUsers(policy_)},
                      now_ms);
  }
  bool stopped() const { return found({&context_, "", nullptr}) != nullptr; }
  bool stopped_without_context() const { return found({}) != nullptr; }

  Policy policy_;
  Context context_;        // of shop.example
  Context other_context_;  // of blog.example
  Question question_;
  Blocks blocks_;
};

TEST_F(BlockingTest, NothingIsStoppedWithoutABlock) { EXPECT_FALSE(stopped()); }

TEST_F(BlockingTest, ASite) {
  block("site:other.example");
  EXPECT_FALSE(stopped());
  block("site:shop.example");
  EXPECT_TRUE(stopped());
  EXPECT_EQ(found({&other_context_, "", nullptr}), nullptr);
}

TEST_F(BlockingTest, ASiteWithoutAContextIsWhoeverMayBeIt) {
  block("site:shop.example");
  EXPECT_TRUE(stopped_without_context()) << "nothing says as whom it runs";
  EXPECT_EQ(found({}, 0), nullptr) << "root is no site";
  EXPECT_EQ(found({}, Credentials().uid), nullptr) << "a mail from elsewhere";
  policy_.queue.trusted_uids = {1003};
  policy_.firewall.uids = {1004};
  policy_.firewall.httpd_uid = 33;
  for (const uid_t named : {1003U, 1004U}) EXPECT_EQ(found({}, named), nullptr) << named;
  policy_.vhosts[0].run_as = 1001;
  policy_.index();
  EXPECT_TRUE(stopped_without_context());
  EXPECT_EQ(found({}, 1002), nullptr);
  EXPECT_NE(found({}, 33), nullptr) << "httpd's own user is anybody's";
}

// Whose is said by the path of a script, which is the script's own word.
TEST_F(BlockingTest, ASiteOfAUserOfSeveralIsNotEscapedByANeighboursPath) {
  for (VhostPolicy& vhost : policy_.vhosts) vhost.run_as = 1001;
  policy_.index();
  block("site:shop.example");
  const Decision decision = decide({}, 1001, "/var/www/blog/x.php", policy_);
  ASSERT_EQ(decision.policy->site, "blog.example");
  const SiteUsers users(policy_);
  EXPECT_NE(find_block(blocks_, {question_, 1001, {}, decision, policy_, users}, now_ms), nullptr);
  EXPECT_EQ(found({&other_context_, "", nullptr}), nullptr) << "what shows a context is that site";
}

TEST_F(BlockingTest, OfAConnectionByItsUserItsHostOrWhatItMayBe) {
  const auto subject = [&](uid_t uid, const VhostPolicy& vhost) {
    const Block* block = find_block(blocks_, SiteUsers(policy_), uid, vhost);
    return block == nullptr ? std::string() : block->subject.text();
  };
  policy_.vhosts[0].run_as = 1001;
  policy_.vhosts[1].run_as = 1001;
  EXPECT_EQ(subject(1001, policy_.vhosts[0]), "") << "not any more";
  block("site:shop.example");
  EXPECT_EQ(subject(1009, policy_.vhosts[0]), "site:shop.example");
  EXPECT_EQ(subject(1001, policy_.server), "site:shop.example");
  EXPECT_EQ(subject(1002, policy_.server), "");
  block("user:#1001");
  EXPECT_EQ(subject(1001, policy_.server), "user:#1001");
}

TEST_F(BlockingTest, ASiteOfWhichAnotherShowsTheContext) {
  block("site:shop.example");
  EXPECT_NE(found({nullptr, "uid", &context_}), nullptr);
}

TEST_F(BlockingTest, ASiteThatIsNotConfiguredAnyMore) {
  policy_.vhosts.clear();
  policy_.index();
  block("site:shop.example");
  EXPECT_TRUE(stopped());
}

TEST_F(BlockingTest, AUserWhateverItShows) {
  block("user:#1001");
  EXPECT_TRUE(stopped());
  EXPECT_TRUE(stopped_without_context());
  EXPECT_EQ(found({}, 1002), nullptr);
}

TEST_F(BlockingTest, AClientAndItsNetwork) {
  block("client:192.0.2.0/29");
  EXPECT_TRUE(stopped());
  context_.client = "192.0.2.8";
  EXPECT_FALSE(stopped());
  block("client:fe80::/10");
  context_.client = "fe80::1%eth0";
  EXPECT_TRUE(stopped());
  EXPECT_FALSE(stopped_without_context());
  context_.client = "unknown";
  EXPECT_FALSE(stopped());
}

TEST_F(BlockingTest, AScriptIsWhatWasAskedForTheCallerOrAnyFrame) {
  block("script:/srv/lib/bad.php");
  EXPECT_FALSE(stopped());
  context_.entry = "/srv/lib/bad.php";
  EXPECT_TRUE(stopped());
  context_.entry = "";
  for (const Field field : {Field::entry, Field::file}) {
    question_.claims.set(field, "/srv/lib/bad.php");
    EXPECT_TRUE(stopped());
    question_.claims.clear();
  }
  question_.claims.set(Field::caller, "/srv/lib/bad.php:12");
  EXPECT_TRUE(stopped());
  question_.claims.clear();
  question_.scripts = {"/srv/shop/index.php", "/srv/lib/bad.php"};
  EXPECT_TRUE(stopped());
  question_.scripts = {"/srv/lib/bad.php(3) : eval()'d code(1) : eval()'d code"};
  EXPECT_TRUE(stopped());
  question_.scripts = {"/srv/lib/bad.php2", "/srv/lib/bad.php(x) : odd", "bad.php"};
  EXPECT_FALSE(stopped());
}

TEST_F(BlockingTest, AScriptInADirectoryThatIsCalledLikeMadeCode) {
  block("script:/srv/lib(1) : b/bad.php");
  for (const char* script :
       {"/srv/lib(1) : b/bad.php", "/srv/lib(1) : b/bad.php(7) : eval()'d code"}) {
    question_.scripts = {script};
    EXPECT_TRUE(stopped()) << script;
  }
}

TEST_F(BlockingTest, AScriptThatIsCalledLikeMadeCode) {
  block("script:/srv/lib/a.php(1) : bad.php");
  for (const char* script :
       {"/srv/lib/a.php(1) : bad.php", "/srv/lib/a.php(1) : bad.php(7) : eval()'d code"}) {
    question_.scripts = {script};
    EXPECT_TRUE(stopped()) << script;
  }
  question_.scripts = {"/srv/lib/a.php", "/srv/lib/a.php(1) : good.php"};
  EXPECT_FALSE(stopped());
}

TEST_F(BlockingTest, AScriptByBothNamesOfItsDocumentRoot) {
  block("script:/srv/shop/index.php");  // and httpd was asked for /var/www/shop/index.php
  EXPECT_TRUE(stopped());
  context_.entry = "/var/www/shopping/index.php";
  EXPECT_FALSE(stopped());
}

TEST_F(BlockingTest, NamesThatDoNotFitMayBeAnyOfTheSitesFiles) {
  block("script:/srv/other/x.php");
  question_.scripts_cut = true;
  policy_.vhosts[0].docroot = "/var/www/sites/shop/public";
  policy_.vhosts[0].real_docroot = "";
  EXPECT_FALSE(stopped());
  block("script:/var/www/sites/shop/vendor/x.php");
  EXPECT_TRUE(stopped());
}

TEST_F(BlockingTest, WhatRefusesComesBeforeWhatHolds) {
  block("site:shop.example", true);
  EXPECT_TRUE(found({&context_, "", nullptr})->hold);
  block("client:192.0.2.7");
  EXPECT_FALSE(found({&context_, "", nullptr})->hold);
}

TEST_F(BlockingTest, ItsTimeIsLookedAt) {
  block("site:shop.example", false, now_ms + 1);
  EXPECT_TRUE(stopped());
  block("site:shop.example", false, now_ms);
  EXPECT_FALSE(stopped());
}

class BlockFileTest : public ::testing::Test {
 protected:
  void write(const std::string& bytes) const { std::ofstream(path_) << bytes; }

  testing::TestDirectory directory_;
  const std::string path_ = directory_ / "blocks";
  const service::BlockFile file_{directory_.path()};
};

TEST_F(BlockFileTest, KeepsThem) {
  EXPECT_TRUE(file_.load()->empty());
  Blocks blocks;
  Block one;
  one.subject = *parse_block_subject("site:shop.example");
  ASSERT_TRUE(blocks.add(one));
  ASSERT_TRUE(file_.keep(blocks.encode()));
  EXPECT_EQ(file_.load()->encode(), blocks.encode());
  struct stat about {};
  ASSERT_EQ(stat(path_.c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777U, 0600U);
}

TEST_F(BlockFileTest, OneThatIsDamagedIsNamedAndMovedAside) {
  for (const std::string& bytes : {std::string("garbage"), std::string()}) {
    write(bytes);
    const auto loaded = file_.load();
    ASSERT_FALSE(loaded);
    EXPECT_NE(loaded.error().message.find(path_), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(path_));
    EXPECT_TRUE(file_.was_damaged());
  }
  std::filesystem::remove(file_.damaged_path());
  EXPECT_FALSE(file_.was_damaged());
}

TEST_F(BlockFileTest, WhatIsNoFileIsNotRead) {
  std::filesystem::create_directory(path_);
  EXPECT_FALSE(file_.load());
}

}  // namespace
}  // namespace mailorigin::daemon
