// Log files in one pass, and logins around a file's change.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "investigating/log_pass.h"
#include "investigating/logins.h"

namespace mailorigin::investigating {

namespace {

constexpr std::uint64_t noon_ms = 1'795'262'400'000;  // 2026-11-21 12:00:00 UTC

class Logs : public ::testing::Test {
 protected:
  Logs() {
    setenv("TZ", "UTC", 1);
    tzset();
    char name[] = "/tmp/mailorigin-logs-XXXXXX";
    directory_ = mkdtemp(name);
  }
  ~Logs() override { std::filesystem::remove_all(directory_); }
  std::string write(const std::string& name, const std::string& text, time_t changed) const {
    const std::string path = directory_ + '/' + name;
    std::ofstream(path) << text;
    const timespec times[2] = {{changed, 0}, {changed, 0}};
    utimensat(AT_FDCWD, path.c_str(), times, 0);
    return path;
  }
  std::string directory_;
};

std::string all_of(const std::vector<LogFile>& files, std::vector<Unread>& unread) {
  std::string out;
  read_logs(
      files, [&](const LogFile&, std::string_view lines) { out += lines; }, {}, unread);
  return out;
}

TEST_F(Logs, AreReadOnceFromTheOldest) {
  const std::string log = write("access.log", "three\n", 3000);
  write("access.log.1", "two\n", 2000);
  const std::string packed = directory_ + "/access.log.2.gz";
  gzFile file = gzopen(packed.c_str(), "wb");
  gzputs(file, "one\n");
  gzclose(file);
  const timespec times[2] = {{1000, 0}, {1000, 0}};
  utimensat(AT_FDCWD, packed.c_str(), times, 0);
  ASSERT_EQ(mkfifo((directory_ + "/access.log.3").c_str(), 0600), 0);
  ASSERT_EQ(symlink("/dev/zero", (directory_ + "/access.log.4").c_str()), 0);
  std::vector<Unread> unread;
  EXPECT_EQ(all_of(log_files({log, log}), unread), "one\ntwo\nthree\n");
  EXPECT_TRUE(unread.empty());
}

TEST_F(Logs, SayWhatWasNotRead) {
  const std::string log = write("a.log.1", std::string("\x1f\x8b\x08 no gzip", 11), 1000);
  std::vector<Unread> unread;
  EXPECT_EQ(all_of({{log, 0, 0}, {directory_ + "/gone", 0, 0}, {"/dev/zero", 0, 0}}, unread), "");
  ASSERT_EQ(unread.size(), 3U);
  EXPECT_EQ(unread[0].log, log);
}

std::vector<std::string> logins(const std::string& log, const std::string& lines,
                                const Times& times = {noon_ms, noon_ms, noon_ms}) {
  LoginSearch search({"/srv/shop/up/x.php", "shop", times});
  search.add(log, lines, noon_ms / 1000 + 3600);
  std::vector<std::string> out;
  for (const LoginLine& each : search.take()) out.push_back(each.line);
  return out;
}

TEST(Logins, OfTheOwnerAroundItsChange) {
  const std::string kept =
      "Nov 21 11:55:00 web1 sshd[7]: Accepted password for shop from 192.0.2.7 port 5 ssh2\n"
      "2026-11-21T12:01:00.5+00:00 web1 CRON[9]: (shop) CMD (php /srv/shop/cron.php)\n"
      "Nov 21 12:02:00 web1 internal-sftp[8]: open \"/up/y.php\" flags WRITE user shop\n";
  const std::string other =
      "Nov 21 11:30:00 web1 sshd[7]: Accepted password for shop from 192.0.2.7 port 5 ssh2\n"
      "Nov 21 12:00:00 web1 sshd[7]: Accepted password for shop2 from 192.0.2.7 port 5 ssh2\n"
      "Nov 21 12:00:00 web1 sshd[7]: Accepted password for blog from 192.0.2.7 port 5 ssh2\n"
      "Nov 21 12:00:00 web1 kernel: shop\n"
      "not a line of shop\n";
  EXPECT_EQ(logins("auth.log", kept + other).size(), 3U);
}

TEST(Logins, ThatNameTheFileWhenever) {
  const std::string line =
      "Sat Nov 14 12:00:00 2026 1 192.0.2.7 523 /up/x.php b _ i r shop ftp 0 * c\n"
      "Sat Nov 14 12:00:00 2026 1 192.0.2.7 523 /up/xx.php b _ i r shop ftp 0 * c\n";
  EXPECT_EQ(logins("/var/log/xferlog", line).size(), 1U);
  EXPECT_EQ(logins("/var/log/other", line).size(), 0U);
}

TEST(Logins, AreLookedForInSpansThatDoNotOverlap) {
  const LoginSearch search({"/x", "shop", {noon_ms, noon_ms + 60'000, noon_ms + 7'200'000}});
  ASSERT_EQ(search.spans().size(), 2U);
  EXPECT_EQ(search.spans()[0].first, noon_ms / 1000 - 600);
  EXPECT_EQ(search.spans()[0].second, noon_ms / 1000 + 660);
  EXPECT_TRUE(LoginSearch({"/x", "shop", {}}).spans().empty());
}

}  // namespace

}  // namespace mailorigin::investigating
