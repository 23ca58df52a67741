// What clamd, dpkg and other programs say.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "investigating/clamd.h"
#include "investigating/package.h"
#include "investigating/program.h"

namespace mailorigin::investigating {

namespace {

TEST(Clamd, SaysWhatItFound) {
  EXPECT_FALSE(clamd_verdict("stream: OK")->infected);
  const auto found = clamd_verdict("stream: Shop.Dropper(1:2) FOUND\n");
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->infected);
  EXPECT_EQ(found->name, "Shop.Dropper(1:2)");
  for (const char* reply : {"INSTREAM size limit exceeded. ERROR", "", "UNKNOWN COMMAND"}) {
    EXPECT_FALSE(clamd_verdict(reply)) << reply;
  }
}

TEST(Clamd, IsWhereItsConfigurationSays) {
  EXPECT_EQ(clamd_in("# x\nLocalSocket /run/clamav/clamd.ctl\nTCPSocket 3310\n"),
            "/run/clamav/clamd.ctl");
  EXPECT_EQ(clamd_in("TCPAddr 192.0.2.1\nTCPSocket  3310\r\n"), "192.0.2.1:3310");
  EXPECT_EQ(clamd_in("TCPSocket 3310\nTCPAddr 0.0.0.0"), "127.0.0.1:3310");
  EXPECT_EQ(clamd_in("#LocalSocket /x\nExample\n"), "");
}

TEST(Clamd, ThatIsNotThereIsAnError) {
  const auto nothing = [](const auto&) -> Status { return Done{}; };
  EXPECT_FALSE(ask_clamd("/nonexistent/clamd", nothing));
  EXPECT_FALSE(ask_clamd("127.0.0.1:1", nothing));
  EXPECT_FALSE(ask_clamd("", nothing));
  EXPECT_FALSE(ask_clamd('/' + std::string(200, 'x'), nothing));
}

TEST(Packages, OfDpkgsAnswer) {
  constexpr std::string_view answer =
      "diversion by dash from: /bin/sh\ncoreutils: /bin/ls\na:amd64, b: /srv/x: y\n";
  EXPECT_EQ(package_in(answer, "/bin/ls"), "coreutils");
  EXPECT_EQ(package_in(answer, "/srv/x: y"), "a:amd64, b");
  EXPECT_EQ(package_in(answer, "/bin/sh"), "");
  EXPECT_EQ(package_in(answer, "s"), "");
  EXPECT_EQ(dpkg_pattern("/a*[b]?\\"), "/a\\*\\[b\\]\\?\\\\");
}

TEST(Packages, OfThisHost) {
  const auto shell = package_of("/usr/bin/dpkg", {});
  ASSERT_TRUE(shell) << shell.error().message;
  EXPECT_EQ(shell->name, "dpkg");
  EXPECT_FALSE(shell->changed);
  const auto beside = package_of("/usr/bin/wp-x.php", {"/usr/bin/dpkg"});
  ASSERT_TRUE(beside);
  EXPECT_EQ(beside->name, "");
  EXPECT_EQ(beside->of_the_others, "dpkg");
  EXPECT_EQ(package_of("/usr/bin/dpk?", {})->name, "");
  EXPECT_EQ(package_of("/usr/bin/dpkg\n", {})->name, "");
}

TEST(Programs, AreBounded) {
  EXPECT_EQ(*output_of({"/bin/echo", "a b", "$c"}), "a b $c\n");
  EXPECT_FALSE(output_of({"/nonexistent"}));
  EXPECT_FALSE(output_of({"/bin/cat", "/dev/zero"}));
}

}  // namespace

}  // namespace mailorigin::investigating
