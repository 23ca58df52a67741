#include "milter/local_domains.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace mailorigin::milter {
namespace {

using Domains = std::vector<std::string>;

class LocalDomainsTest : public ::testing::Test {
 protected:
  LocalDomainsTest() {
    if (mkdtemp(root_.data()) == nullptr) ADD_FAILURE() << "no directory can be made";
    std::filesystem::create_directories(root_ + "/etc/postfix");
  }
  ~LocalDomainsTest() override { std::filesystem::remove_all(root_); }

  void write(const std::string& path, const char* text) { std::ofstream(root_ + path) << text; }
  Domains after(const char* main_cf) {
    write("/etc/postfix/main.cf", main_cf);
    return LocalDomains(root_).with("Web1.example.org");
  }

  std::string root_ = "/tmp/mailorigin-domains-XXXXXX";
};

TEST_F(LocalDomainsTest, AreTheHostnameWithoutMore) {
  EXPECT_EQ(LocalDomains(root_).with("Web1.example.org"), Domains{"web1.example.org"});
  EXPECT_EQ(LocalDomains(root_).with(""), Domains{});
}

TEST_F(LocalDomainsTest, AreWhatMainCfSays) {
  EXPECT_EQ(after("relayhost =\n"), Domains{"web1.example.org"});
  EXPECT_EQ(after("myorigin = $myhostname\n"), Domains{"web1.example.org"});
  EXPECT_EQ(after("myorigin = $mydomain\n"), (Domains{"web1.example.org", "example.org"}));
  EXPECT_EQ(after("myorigin = ${mydomain}\nmydomain = host.example\n"),
            (Domains{"web1.example.org", "host.example"}));
  EXPECT_EQ(after("myorigin = mail.$(myhostname)\n"),
            (Domains{"web1.example.org", "mail.web1.example.org"}));
  write("/etc/origin", "Origin.example\n");
  EXPECT_EQ(after("myorigin = /etc/origin\n"), (Domains{"web1.example.org", "origin.example"}));
}

TEST_F(LocalDomainsTest, HaveDebiansMailname) {
  write("/etc/mailname", "mail.example\n");
  EXPECT_EQ(after("myorigin = /etc/mailname\n"), (Domains{"web1.example.org", "mail.example"}));
}

TEST_F(LocalDomainsTest, AreReadAgainWhereTheFileHasChanged) {
  LocalDomains domains(root_);
  write("/etc/postfix/main.cf", "myorigin = a.example\n");
  EXPECT_EQ(domains.with("h"), (Domains{"h", "a.example"}));
  write("/etc/postfix/main.cf", "myorigin = b.example\n");
  std::filesystem::last_write_time(
      root_ + "/etc/postfix/main.cf",
      std::filesystem::file_time_type::clock::now() + std::chrono::seconds(5));
  EXPECT_EQ(domains.with("h"), (Domains{"h", "b.example"}));
}

}  // namespace
}  // namespace mailorigin::milter
