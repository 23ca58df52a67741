#include "submit/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace mailorigin::submit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Words = std::vector<std::string>;

class SettingsTest : public ::testing::Test {
 protected:
  SettingsTest() { close(mkstemp(file_.data())); }
  ~SettingsTest() override { unlink(file_.c_str()); }

  void write(std::string_view text) { std::ofstream(file_) << text; }

  Settings settled(const Words& words) {
    auto read = read_settings(words, file_, false);
    if (const auto* wrong = std::get_if<Ending>(&read)) ADD_FAILURE() << wrong->text;
    return std::holds_alternative<Settings>(read) ? std::get<Settings>(read) : Settings{};
  }
  Ending wrong(const Words& words, bool privileged = false) {
    auto read = read_settings(words, file_, privileged);
    if (!std::holds_alternative<Ending>(read)) return {};
    return std::get<Ending>(read);
  }

  std::string file_ = "/tmp/mailorigin-settings-XXXXXX";
};

TEST_F(SettingsTest, AreTheDefaultsOtherwise) {
  write("real = /bin/true\n");
  const Settings settings = settled({"sendmail", "-t", "-f", "a@b"});
  EXPECT_EQ(settings.conduct.socket, "/run/mailorigin/mailorigin.sock");
  EXPECT_TRUE(settings.conduct.sends_without_daemon);
  EXPECT_FALSE(settings.conduct.sends_when_late);
  EXPECT_EQ(settings.conduct.patience.late.count(), 5000);
  EXPECT_EQ(settings.real, "/bin/true");
  EXPECT_THAT(settings.words, ElementsAre("sendmail", "-t", "-f", "a@b"));
}

TEST_F(SettingsTest, AreReadFromTheFileAndThenFromTheWords) {
  write(
      "# ours\n\n  on-failure=deny # strict\npatience-ms = 7\r\nreal = "
      "/bin/false\non-timeout=allow");
  const Settings settings =
      settled({"sendmail", "--mailorigin-real=/bin/true", "--mailorigin-patience-ms=9", "-t"});
  EXPECT_FALSE(settings.conduct.sends_without_daemon);
  EXPECT_TRUE(settings.conduct.sends_when_late);
  EXPECT_EQ(settings.conduct.patience.late.count(), 9);
  EXPECT_EQ(settings.real, "/bin/true");
  EXPECT_THAT(settings.words, ElementsAre("sendmail", "-t"));
}

TEST_F(SettingsTest, SayWhatIsWrong) {
  EXPECT_EQ(wrong({"sendmail", "--mailorigin-sockt=/x"}).status, EX_USAGE);
  EXPECT_THAT(wrong({"sendmail", "--mailorigin-sockt=/x"}).text, HasSubstr("socket, real"));
  EXPECT_THAT(wrong({"sendmail", "--mailorigin-socket=x"}).text, HasSubstr("absolute path"));
  EXPECT_THAT(wrong({"sendmail", "--mailorigin-timeout-ms=0"}).text, HasSubstr("1 to 60000"));
  EXPECT_THAT(wrong({"sendmail", "--mailorigin-real=/nowhere"}).text, HasSubstr("/nowhere"));
  write("real = /bin/true\nfailure = allow\n");
  EXPECT_EQ(wrong({"sendmail"}).status, EX_CONFIG);
  EXPECT_THAT(wrong({"sendmail"}).text, HasSubstr(file_ + ":2"));
}

TEST_F(SettingsTest, AreNotTheCallersWhereItHasFewerRights) {
  write("real = /bin/true\n");
  EXPECT_EQ(wrong({"sendmail", "--mailorigin-socket=/x"}, true).status, EX_USAGE);
  EXPECT_EQ(wrong({"sendmail", "-t"}, true).text, "");
}

// They may be a script's, at the end of sendmail_path.
TEST_F(SettingsTest, AreTheMailServersBehindItsOwn) {
  write("real = /bin/true\n");
  const Words words = {"sendmail", "-t", "--mailorigin-real=/bin/false", "--mailorigin-x"};
  const Settings settings = settled(words);
  EXPECT_EQ(settings.real, "/bin/true");
  EXPECT_EQ(settings.words, words);
  EXPECT_EQ(wrong(words, true).text, "");
}

TEST_F(SettingsTest, NeverNameThisProgramItself) {
  EXPECT_EQ(wrong({"sendmail", "--mailorigin-real=/proc/self/exe"}).status, EX_CONFIG);
}

}  // namespace
}  // namespace mailorigin::submit
