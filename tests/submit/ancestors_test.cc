// What those have in their environment who started this program with an emptied one.
#include "submit/ancestors.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace mailorigin::submit {
namespace {

// A /proc of our own making, in which each process is started by the one whose number is one less.
class AncestorsTest : public ::testing::Test {
 protected:
  AncestorsTest() {
    char name[] = "/tmp/mailorigin-ancestors-XXXXXX";
    path_ = mkdtemp(name);
  }
  ~AncestorsTest() override { std::filesystem::remove_all(path_); }

  void add(pid_t pid, const std::string& environment) {
    std::filesystem::create_directories(directory(pid));
    std::ofstream(directory(pid) + "/status") << "Name:\tsh\nPPid:\t" << pid - 1 << "\nUid:\t0\n";
    std::ofstream(directory(pid) + "/environ") << environment;
  }
  [[nodiscard]] std::string directory(pid_t pid) const { return path_ + "/" + std::to_string(pid); }
  [[nodiscard]] LeftBehind left(pid_t pid) const { return left_to_ancestors(pid, path_); }

  std::string path_;
  const std::string own_ =
      std::string("A=1\0SSL_MAILORIGIN_CONTEXT=sealed\0MAILORIGIN_CALL=c\0", 53);
};

TEST_F(AncestorsTest, TheNearestThatHasAContextLeavesIt) {
  add(10, "SSL_MAILORIGIN_CONTEXT=farther");
  add(11, own_);
  add(12, std::string("SSL_MAILORIGIN_CONTEXT=\0", 24));  // none
  add(13, "XSSL_MAILORIGIN_CONTEXT=x");
  add(14, "");
  EXPECT_EQ("sealed", left(14).context);
  EXPECT_EQ("c", left(14).call);
  EXPECT_EQ("farther", left(11).context);  // its own is not looked at
  EXPECT_EQ("", left(11).call);
  EXPECT_EQ("", left(10).context);
}

TEST_F(AncestorsTest, NobodyBehindAnotherUserIsAsked) {
  if (geteuid() != 0) GTEST_SKIP() << "takes root";
  add(10, own_);
  add(11, "");
  add(12, "");
  ASSERT_EQ(0, chown(directory(11).c_str(), 1001, 1001));
  EXPECT_EQ("", left(12).context);
}

TEST_F(AncestorsTest, NobodyBehindWhoCannotBeLookedAtIsAsked) {
  add(10, own_);
  add(11, "");
  add(12, "");
  std::filesystem::remove(directory(11) + "/environ");
  EXPECT_EQ("", left(12).context);
}

TEST_F(AncestorsTest, SixteenAreAsked) {
  add(10, own_);
  for (pid_t pid = 11; pid < 28; pid++) add(pid, "");
  EXPECT_EQ("sealed", left(26).context);
  EXPECT_EQ("", left(27).context);
}

TEST_F(AncestorsTest, TheFirstProcessOfAllIsNobodys) {
  add(1, own_);
  add(2, "");
  EXPECT_EQ("", left(2).context);
  EXPECT_EQ("", left(999).context);  // there is none
}

}  // namespace
}  // namespace mailorigin::submit
