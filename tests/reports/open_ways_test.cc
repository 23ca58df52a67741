#include "reports/open_ways.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace mailorigin::reports {
namespace {

class OpenWaysTest : public ::testing::Test {
 protected:
  OpenWaysTest() {
    if (mkdtemp(root_.data()) == nullptr) ADD_FAILURE() << "no directory can be made";
    std::filesystem::create_directories(root_ + "/usr/sbin");
  }
  ~OpenWaysTest() override { std::filesystem::remove_all(root_); }

  void program(const std::string& name, mode_t mode) {
    const std::string path = root_ + "/usr/sbin/" + name;
    std::ofstream(path) << "#!/bin/sh\n";
    chmod(path.c_str(), mode);
  }
  std::vector<std::string> ways(FirewallMode firewall = FirewallMode::on,
                                const AskedAbout& asked_about = {}) {
    std::vector<std::string> words;
    for (const OpenWay& each : find_open_ways(firewall, asked_about, root_)) {
      EXPECT_FALSE(each.text.empty() || each.remedy.empty());
      words.push_back(each.way);
    }
    return words;
  }

  std::string root_ = "/tmp/mailorigin-ways-XXXXXX";
};

using Words = std::vector<std::string>;

TEST_F(OpenWaysTest, AreNoneWithoutAMailServer) {
  EXPECT_EQ(ways(), Words{});
  EXPECT_EQ(ways(FirewallMode::observe), Words{"smtp"});
}

TEST_F(OpenWaysTest, AreTheMailServersPrograms) {
  program("sendmail", 0755);
  program("postdrop", 02755);
  EXPECT_EQ(ways(), (Words{"sendmail", "postdrop"}));
}

TEST_F(OpenWaysTest, AreClosedByADiversionAndModes) {
  program("mailorigin-sendmail", 02755);
  std::filesystem::create_symlink("mailorigin-sendmail", root_ + "/usr/sbin/sendmail");
  program("sendmail.distrib", 0755);
  EXPECT_EQ(ways(), Words{"real-sendmail"});
  program("sendmail.distrib", 0750);
  EXPECT_EQ(ways(), Words{});
}

// The link that Exim brings there leads past the diverted one; Postfix's leads to it.
TEST_F(OpenWaysTest, AreOtherNamesThatLeadToTheMailServer) {
  program("mailorigin-sendmail", 02755);
  program("exim4", 04750);
  std::filesystem::create_symlink("mailorigin-sendmail", root_ + "/usr/sbin/sendmail");
  std::filesystem::create_directories(root_ + "/usr/lib");
  const std::string other = root_ + "/usr/lib/sendmail";
  std::filesystem::create_symlink("../sbin/exim4", other);
  const auto found = find_open_ways(FirewallMode::on, {}, root_);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].way, "lib-sendmail");
  EXPECT_EQ(found[0].remedy,
            "dpkg-divert --local --rename --divert /usr/lib/sendmail.distrib --add "
            "/usr/lib/sendmail; ln -s ../sbin/mailorigin-sendmail /usr/lib/sendmail");
  std::filesystem::remove(other);
  std::filesystem::create_symlink("../sbin/sendmail", other);
  EXPECT_EQ(ways(), Words{});
}

// A mode that takes Exim its setuid bit away would end all mail; dma's group is its queue's.
TEST_F(OpenWaysTest, AreClosedSoThatTheMailServerWorksOn) {
  program("mailorigin-sendmail", 02755);
  std::filesystem::create_symlink("mailorigin-sendmail", root_ + "/usr/sbin/sendmail");
  const auto remedy = [&](const char* name, mode_t mode) {
    program(name, mode);
    std::filesystem::remove(root_ + "/usr/sbin/sendmail.distrib");
    std::filesystem::create_symlink(name, root_ + "/usr/sbin/sendmail.distrib");
    const auto found = find_open_ways(FirewallMode::on, {}, root_);
    return found.empty() ? "" : found.front().remedy.substr(found.front().remedy.rfind("; ") + 2);
  };
  EXPECT_EQ(remedy("exim4", 04755),
            "dpkg-statoverride --update --add root mailsubmit 4750 /usr/sbin/exim4");
  EXPECT_EQ(remedy("msmtp", 0755),
            "dpkg-statoverride --update --add root mailsubmit 0750 /usr/sbin/msmtp");
  EXPECT_EQ(remedy("dma", 02755), "setfacl -m g:mailsubmit:x,o::- /usr/sbin/dma");
  EXPECT_EQ(remedy("exim4", 04750), "");
  program("nullmailer-queue", 04755);
  EXPECT_EQ(ways(), Words{"nullmailer-queue"});
  EXPECT_EQ(remedy("exim4", 04750),
            "dpkg-statoverride --update --add mail mailsubmit 4750 /usr/sbin/nullmailer-queue");
}

TEST_F(OpenWaysTest, AreClosedByWhoAsksAboutTheQueue) {
  program("sendmail", 0755);
  program("sendmail.distrib", 0755);
  program("postdrop", 02755);
  const Words programs = {"sendmail", "real-sendmail", "postdrop"};
  EXPECT_EQ(ways(FirewallMode::on, {.by_milter = true}), programs);
  EXPECT_EQ(ways(FirewallMode::on, {.unrecorded_is_held = true}), programs) << "by nobody";
  EXPECT_EQ(ways(FirewallMode::on, {.by_milter = true, .unrecorded_is_held = true}), Words{});
  EXPECT_EQ(ways(FirewallMode::on, {.by_exim = true}), Words{});
  EXPECT_EQ(ways(FirewallMode::off, {.by_exim = true}), Words{"smtp"});
}

TEST_F(OpenWaysTest, AreWhatUsersHaveForwarded) {
  std::filesystem::create_directories(root_ + "/etc/postfix");
  const auto configured = [&](const char* text) {
    std::ofstream(root_ + "/etc/postfix/main.cf") << text;
    return ways();
  };
  EXPECT_EQ(configured("myhostname = mx\n"), Words{"forward"});
  EXPECT_EQ(configured("forward_path_x =\nforward_path = $home/.forward\n"), Words{"forward"});
  EXPECT_EQ(configured("#forward_path =\nforward_path =\nforward_path=a\n"), Words{"forward"});
  EXPECT_EQ(configured("forward_path = a\nforward_path =  \n"), Words{});
  EXPECT_EQ(configured("mydestination ="), Words{});
}

}  // namespace
}  // namespace mailorigin::reports
