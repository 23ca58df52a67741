#include "mod_mailorigin/log_paths.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace mailorigin::httpd {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

constexpr uid_t tenant = 61001;
constexpr gid_t log_group = 61500;

bool no_group(gid_t) { return false; }
bool is_log_group(gid_t group) { return group == log_group; }

// In a directory of root's alone below /run.
class ALogFile : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "whose directories these are is the question: run as root";
    char name[] = "/run/mailorigin-logs-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    root_ = name;
    chmod(name, 0755);
    path_ = directory("logs") + "/mail.log";
  }
  void TearDown() override {
    if (!root_.empty()) fs::remove_all(root_);
  }

  std::string directory(const std::string& name, mode_t mode = 0750, uid_t uid = 0, gid_t gid = 0) {
    const std::string path = root_ + '/' + name;
    mkdir(path.c_str(), mode);
    EXPECT_EQ(chown(path.c_str(), uid, gid), 0);
    EXPECT_EQ(chmod(path.c_str(), mode), 0);
    return path;
  }

  // Checking and opening agree; what they say.
  static std::string fault(const std::string& path, const GroupIsTrusted& trusted = no_group) {
    const Status checked = LogFiles(trusted).check(path);
    const auto opened = LogFiles(trusted).open(path);
    EXPECT_EQ(static_cast<bool>(checked), static_cast<bool>(opened)) << path;
    if (opened) return "";
    EXPECT_EQ(checked.error().message, opened.error().message);
    return opened.error().message;
  }

  std::string root_;
  std::string path_;
};

TEST_F(ALogFile, IsCreatedAndAppendedTo) {
  ASSERT_TRUE(LogFiles(no_group).check(path_));
  EXPECT_FALSE(fs::exists(path_)) << "a check leaves nothing behind";
  for (const char* text : {"one\n", "two\n"}) {
    const auto file = LogFiles(no_group).open(path_);
    ASSERT_TRUE(file) << file.error().message;
    ASSERT_EQ(write(file->get(), text, 4), 4);
  }
  std::ifstream file(path_);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "one\ntwo\n");
  struct stat about {};
  stat(path_.c_str(), &about);
  EXPECT_EQ(about.st_mode & 07777, 0640U);
}

TEST_F(ALogFile, NeedsItsDirectory) {
  EXPECT_THAT(fault(root_ + "/nosuch/mail.log"), HasSubstr("/nosuch: No such file or directory"));
  EXPECT_THAT(fault(root_), HasSubstr("Is a directory"));
  EXPECT_THAT(fault(path_ + "/below"), HasSubstr("No such file"));
  std::ofstream(path_) << "";
  EXPECT_THAT(fault(path_ + "/below"), HasSubstr("Not a directory"));
}

TEST_F(ALogFile, IsNotMadeWhereATenantCould) {
  directory("home", 0755, tenant, tenant);
  directory("home/logs", 0755);
  EXPECT_THAT(fault(root_ + "/home/mail.log"), HasSubstr("/home: must belong to root"));
  EXPECT_THAT(fault(root_ + "/home/logs/mail.log"), HasSubstr("/home: must belong to root"));
  directory("open", 0777);
  EXPECT_THAT(fault(root_ + "/open/mail.log"), HasSubstr("/open: must be writable to root alone"));
  directory("shared", 0775, 0, tenant);
  EXPECT_THAT(fault(root_ + "/shared/mail.log"), HasSubstr("/shared: must be writable to root"));
}

TEST_F(ALogFile, MayLieBelowAStickyDirectoryAndNotInOne) {
  directory("tmp", 01777);
  EXPECT_THAT(fault(root_ + "/tmp/mail.log"), HasSubstr("/tmp: others may create files in it"));
  directory("tmp/logs", 0755);
  EXPECT_EQ(fault(root_ + "/tmp/logs/mail.log"), "");
  directory("tmp/of-a-tenant", 0755, tenant, tenant);
  EXPECT_THAT(fault(root_ + "/tmp/of-a-tenant/mail.log"), HasSubstr("must belong to root"));
}

TEST_F(ALogFile, MayLieInADirectoryOfAGroupThatIsTrusted) {
  directory("syslog", 0775, 0, log_group);
  EXPECT_EQ(fault(root_ + "/syslog/mail.log", is_log_group), "");
  EXPECT_THAT(fault(root_ + "/syslog/mail.log"), HasSubstr("must be writable to root alone"));
}

TEST_F(ALogFile, FollowsTheLinksOfRootAlone) {
  const std::string secret = directory("secret", 0700) + "/file";
  directory("tmp", 01777);
  fs::create_symlink(root_ + "/logs", root_ + "/link");
  fs::create_symlink("../logs/elsewhere.log", root_ + "/logs/mail.log");
  EXPECT_EQ(fault(root_ + "/link/mail.log"), "");
  EXPECT_TRUE(fs::exists(root_ + "/logs/elsewhere.log"));

  fs::create_symlink(root_ + "/secret", root_ + "/tmp/evil");
  ASSERT_EQ(lchown((root_ + "/tmp/evil").c_str(), tenant, tenant), 0);
  EXPECT_THAT(fault(root_ + "/tmp/evil/file"), HasSubstr("a symbolic link must be root's"));
  // A link of root's into a tenant's directory leads where a tenant likes.
  directory("home", 0755, tenant, tenant);
  fs::create_symlink(root_ + "/home/mail.log", root_ + "/logs/home.log");
  EXPECT_THAT(fault(root_ + "/logs/home.log"), HasSubstr("/home: must belong to root"));
  fs::create_symlink("loop.log", root_ + "/logs/loop.log");
  EXPECT_THAT(fault(root_ + "/logs/loop.log"), HasSubstr("Too many levels"));
  EXPECT_FALSE(fs::exists(secret));
}

TEST_F(ALogFile, IsJudgedForItselfAmongItsNeighbours) {
  directory("home", 0755, tenant, tenant);
  fs::create_symlink(root_ + "/home/mail.log", root_ + "/logs/link.log");
  fs::create_symlink("mail.log", root_ + "/logs/other.log");
  directory("logs/directory");
  LogFiles files(no_group);
  EXPECT_TRUE(files.check(path_));
  EXPECT_TRUE(files.open(path_));
  EXPECT_TRUE(files.check(root_ + "/logs/second.log"));
  EXPECT_FALSE(fs::exists(root_ + "/logs/second.log"));
  EXPECT_TRUE(files.open(root_ + "/logs/second.log"));
  EXPECT_THAT(files.check(root_ + "/logs/link.log").error().message,
              HasSubstr("/home: must belong"));
  EXPECT_TRUE(files.open(root_ + "/logs/other.log"));
  EXPECT_THAT(files.check(root_ + "/logs/directory").error().message, HasSubstr("Is a directory"));
  EXPECT_THAT(files.open(root_ + "/logs/").error().message, HasSubstr("irectory"));
  EXPECT_THAT(files.check(root_ + "/home/mail.log").error().message,
              HasSubstr("must belong to root"));
}

TEST_F(ALogFile, MayBeADescriptorOrADevice) {
  EXPECT_EQ(fault("/dev/null"), "");
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const Fd reading(ends[0]);
  const Fd writing(ends[1]);
  EXPECT_EQ(fault("/proc/self/fd/" + std::to_string(writing.get())), "");
}

}  // namespace
}  // namespace mailorigin::httpd
