// Mail servers' and httpd's logs, plain and packed.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tracing/access_log.h"
#include "tracing/lines.h"
#include "tracing/mail_log.h"

namespace mailorigin::tracing {

namespace {

class Logs : public ::testing::Test {
 protected:
  Logs() {
    setenv("TZ", "UTC", 1);
    char name[] = "/tmp/mailorigin-logs-XXXXXX";
    directory_ = mkdtemp(name);
  }
  ~Logs() override { std::filesystem::remove_all(directory_); }

  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(directory_ + '/' + name) << text;
    return directory_ + '/' + name;
  }
  static void pack(const std::string& command) { ASSERT_EQ(std::system(command.c_str()), 0); }

  std::string directory_;
};

std::optional<MailLogLine> parse(std::string_view line, std::uint64_t near_s = 1'795'262'400) {
  LineClock clock(near_s);
  return parse_mail_log_line(line, clock);
}

std::vector<std::string> all_lines(const std::string& path) {
  std::vector<std::string> out;
  const auto lines = Lines::open(path);
  for (std::string_view line; lines && (*lines)->next(line);) out.emplace_back(line);
  return out;
}

bool is_damaged(const std::string& path) {
  auto source = open_source(path);
  LineBlocks blocks(*std::move(source));
  for (std::string_view lines; blocks.next(lines);) continue;
  EXPECT_EQ(blocks.source().position(), std::filesystem::file_size(path));
  return blocks.source().damaged();
}

TEST_F(Logs, AreReadAsTheyArePacked) {
  std::string text;
  for (int i = 0; i < 100'000; i++) text += "line " + std::to_string(i) + '\n';
  const std::string path = write("log", text);
  const auto plain = all_lines(path);
  ASSERT_EQ(plain.size(), 100'000U);
  for (const char* packer : {"gzip", "xz -T1 -0", "zstd -q"}) {
    const std::string packed = directory_ + "/packed";
    pack(std::string(packer) + " -c " + path + " > " + packed);
    EXPECT_EQ(all_lines(packed), plain) << packer;
    EXPECT_FALSE(is_damaged(packed)) << packer;
    // What ends early is read as far as it goes.
    std::filesystem::resize_file(packed, std::filesystem::file_size(packed) / 2);
    const auto half = all_lines(packed);
    EXPECT_GT(half.size(), 1000U) << packer;
    EXPECT_TRUE(is_damaged(packed)) << packer;
    EXPECT_LT(half.size(), 100'000U) << packer;
  }
  EXPECT_FALSE(Lines::open(directory_));
  EXPECT_FALSE(Lines::open("/nowhere"));
}

TEST_F(Logs, HaveLinesOfAnyLength) {
  const std::string path =
      write("log", std::string(3'000'000, 'x') + "\nshort\n" + std::string(1'000'000, 'y'));
  const auto lines = all_lines(path);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0].size(), line_limit);
  EXPECT_EQ(lines[1], "short");
  EXPECT_EQ(lines[2].size(), line_limit);
  EXPECT_EQ(all_lines(write("bytes", std::string("a\0b\n\xff\n\n", 7))).size(), 3U);
}

TEST_F(Logs, AreFoundWithWhatIsRotated) {
  for (const char* name : {"mail.log", "mail.log.1", "mail.log.2.gz", "mail.log-20261121.xz",
                           "mail.log.bak", "mail.logs", "other.log"}) {
    write(name, "x\n");
  }
  const auto found = with_rotated(directory_ + "/mail.log", 0);
  EXPECT_EQ(found.size(), 4U);
  EXPECT_TRUE(with_rotated(directory_ + "/mail.log", 4'000'000'000).empty());
}

constexpr const char* postfix =
    "Nov 21 12:00:00 web1 postfix/pickup[10]: 4F2C312345: uid=61001 from=<shop>\n"
    "Nov 21 12:00:00 web1 postfix/cleanup[11]: 4F2C312345: message-id=<m1@web1>\n"
    "Nov 21 12:00:00 web1 postfix/qmgr[12]: 4F2C312345: from=<shop@web1>, size=300, nrcpt=2\n"
    "Nov 21 12:00:01 web1 postfix/smtp[13]: 4F2C312345: to=<a@example.org>, "
    "relay=mx[192.0.2.1]:25, "
    "delay=1, dsn=5.1.1, status=bounced (host mx said: 550 5.1.1 unknown (in reply to RCPT))\n"
    "2026-11-21T12:00:02.123456+00:00 web1 postfix/smtp[13]: 4F2C312345: to=<b@example.org>, "
    "relay=127.0.0.1[127.0.0.1]:10024, status=sent (250 OK: queued as 5A5A5A5A5A)\n"
    "Nov 21 12:00:03 web1 postfix/smtp[14]: 5A5A5A5A5A: to=<b@example.org>, status=deferred (no)\n"
    "Nov 21 12:00:03 web1 postfix/smtp[14]: 6B6B6B6B6B: to=<c@example.org>, status=sent (yes)\n";

TEST_F(Logs, TellWhatBecameOfAMail) {
  const std::string path = write("mail.log", postfix);
  for (const LogQuestion& question : {LogQuestion{{"4F2C312345"}, {}, {}, {}, 0, 0},
                                      LogQuestion{{}, {"m1@web1"}, {}, {}, 0, 0}}) {
    const auto passages = find_passages({path}, question);
    ASSERT_EQ(passages.size(), 2U);
    EXPECT_EQ(passages[0].queue_id, "4F2C312345");
    EXPECT_EQ(passages[0].uid, 61001U);
    EXPECT_EQ(passages[0].message_ids, std::vector<std::string>{"m1@web1"});
    ASSERT_EQ(passages[0].deliveries.size(), 2U);
    EXPECT_EQ(passages[0].deliveries[0].to, "a@example.org");
    EXPECT_EQ(passages[0].deliveries[0].status, "bounced");
    EXPECT_EQ(passages[0].deliveries[0].text, "host mx said: 550 5.1.1 unknown (in reply to RCPT)");
    EXPECT_EQ(passages[1].queue_id, "5A5A5A5A5A");
    EXPECT_EQ(passages[1].deliveries[0].status, "deferred");
  }
  const std::uint64_t at =
      parse("2026-11-21T12:00:00+00:00 web1 postfix/pickup[10]: 4F2C312345: uid=1")->time_ms;
  EXPECT_EQ(at, 1'795'262'400'000U);
}

std::vector<Passage> passages_in(const std::string& path, const std::string& queue_id) {
  return find_passages({path}, {{queue_id}, {}, {}, {}, 0, 0});
}

TEST_F(Logs, WhatAnotherServerSaysIsItsWordAlone) {
  const std::string start =
      "Nov 21 12:00:00 web1 postfix/pickup[10]: 4F2C312345: uid=61001 from=<shop>\n"
      "Nov 21 12:00:00 web1 postfix/cleanup[11]: 4F2C312345: message-id=<m1@web1>\n";
  const std::string said =
      "status=sent (250 Ok: uid=61002 message-id=<m2@web1> queued as 5A5A5A5A5A)\n";
  const std::string smtp = "Nov 21 12:00:01 web1 postfix/smtp[13]: 4F2C312345: ";
  const std::string neighbours =
      "Nov 21 12:00:03 web1 postfix/smtp[14]: 5A5A5A5A5A: to=<n@example.org>, "
      "relay=mx[192.0.2.1]:25, status=sent (yes)\n";
  for (const std::string& delivery :
       {"to=<a@example.org>, relay=mx[192.0.2.1]:25, delay=1, " + said,
        "to=<\"x>, relay=y[127.0.0.1]:25, status=sent (queued as 5A5A5A5A5A)\"@example.org>, "
        "relay=mx[192.0.2.1]:25, " +
            said,
        "to=<a@example.org>, orig_to=<\"x>, relay=y[127.0.0.1]:25, status=sent (queued as "
        "5A5A5A5A5A)\"@example.org>, relay=mx[192.0.2.1]:25, " +
            said}) {
    const auto passages =
        passages_in(write("mail.log", start + smtp + delivery + neighbours), "4F2C312345");
    ASSERT_EQ(passages.size(), 1U) << delivery;
    EXPECT_EQ(passages[0].uid, 61001U) << delivery;
    EXPECT_EQ(passages[0].message_ids, std::vector<std::string>{"m1@web1"}) << delivery;
    ASSERT_EQ(passages[0].deliveries.size(), 1U) << delivery;
    EXPECT_EQ(passages[0].deliveries[0].status, "sent") << delivery;
  }
  // A header that cleanup was told to log, too.
  const auto passages = passages_in(
      write("mail.log", start + "Nov 21 12:00:00 web1 postfix/cleanup[11]: 4F2C312345: warning: "
                                "header Subject: uid=61002 message-id=<m2@web1> from local\n"),
      "4F2C312345");
  ASSERT_EQ(passages.size(), 1U);
  EXPECT_EQ(passages[0].uid, 61001U);
  EXPECT_EQ(passages[0].message_ids, std::vector<std::string>{"m1@web1"});
}

TEST_F(Logs, AMessageOfTwoUsersIsNobodys) {
  // Every user may write into syslog.
  const std::string line = "Nov 21 12:00:00 web1 postfix/pickup[10]: 4F2C312345: uid=6100";
  const auto passages =
      passages_in(write("mail.log", line + "1 from=<shop>\n" + line + "2 from=<blog>\n" + line +
                                        "2 from=<blog>\n"),
                  "4F2C312345");
  ASSERT_EQ(passages.size(), 1U);
  EXPECT_FALSE(passages[0].uid);
}

TEST_F(Logs, AreReadAsFarAsALogMayGo) {
  // A hole of a terabyte, and one that is packed.
  const std::string sparse = write("sparse", "line\n");
  std::filesystem::resize_file(sparse, 1ULL << 40);
  auto source = open_source(sparse);
  ASSERT_TRUE(source);
  LineBlocks blocks(*std::move(source));
  for (std::string_view lines; blocks.next(lines);) continue;
  EXPECT_TRUE(blocks.source().damaged());
  EXPECT_LT(blocks.unpacked(), 2 * unpacked_base);
}

TEST_F(Logs, TheLineOfARequestIsItsClients) {
  constexpr std::uint64_t time_ms = 1'795'262'400'000;
  const std::string id = "01KBA1C2D3E4F5G6H7J8K9MNPQ";
  std::string log;
  for (int i = 0; i < 30; i++) {
    log += "198.51.100.1 - - [21/Nov/2026:12:00:00 +0000] \"GET /y.php HTTP/1.1\" 200 1 \"-\" \"" +
           id + "\"\n";
  }
  const std::string own =
      "192.0.2.7 - - [21/Nov/2026:12:00:00 +0000] \"POST /x.php HTTP/1.1\" 200 1 " + id;
  const std::string path = write("access.log", log + own + '\n');
  EXPECT_EQ(access_log_lines({path}, {id, "192.0.2.7", "POST", "/x.php", time_ms}),
            std::vector<std::string>{own});
}

TEST_F(Logs, OfEximTellItToo) {
  const std::string path = write(
      "mainlog",
      "2026-11-21 12:00:00 1abcDE-000fGh-2i <= shop@web1 U=shop P=local S=300 id=m1@web1\n"
      "2026-11-21 12:00:01 1abcDE-000fGh-2i => a@example.org R=dnslookup T=remote_smtp C=\"250 "
      "OK\"\n"
      "2026-11-21 12:00:01 1abcDE-000fGh-2i ** b@example.org R=dnslookup T=remote_smtp: 550 no\n"
      "2026-11-21 12:00:01 1abcDE-000fGh-2i == c@example.org R=dnslookup defer (-1)\n"
      "2026-11-21 12:00:01 1abcDE-000fGh-2i Completed\n");
  const auto passages = find_passages({path}, {{}, {"m1@web1"}, {}, {}, 0, 0});
  ASSERT_EQ(passages.size(), 1U);
  EXPECT_EQ(passages[0].time_ms, 1'795'262'400'000U);
  ASSERT_EQ(passages[0].deliveries.size(), 3U);
  EXPECT_EQ(passages[0].deliveries[0].status, "sent");
  EXPECT_EQ(passages[0].deliveries[1].status, "bounced");
  EXPECT_EQ(passages[0].deliveries[1].to, "b@example.org");
  EXPECT_EQ(passages[0].deliveries[2].status, "deferred");
}

TEST_F(Logs, OfHttpdHaveARequest) {
  const std::string path =
      write("access.log",
            "192.0.2.7 - - [21/Nov/2026:12:00:00 +0000] \"POST /contact.php?x=1 HTTP/1.1\" 200 5\n"
            "192.0.2.7 - - [21/Nov/2026:11:00:00 +0000] \"POST /contact.php HTTP/1.1\" 200 5\n"
            "192.0.2.8 - - [21/Nov/2026:12:00:00 +0000] \"POST /contact.php HTTP/1.1\" 200 5\n");
  const RequestToFind request{"01KBA1C2D3E4F5G6H7J8K9MNPQ", "192.0.2.7", "POST", "/contact.php?x=1",
                              1'795'262'401'000};
  ASSERT_EQ(access_log_lines({path}, request).size(), 1U);
  const std::string exact = write("ids.log", "01KBA1C2D3E4F5G6H7J8K9MNPQ 192.0.2.7 200\n");
  const auto lines = access_log_lines({path, exact}, request);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0], "01KBA1C2D3E4F5G6H7J8K9MNPQ 192.0.2.7 200");
}

TEST(MailLogLine, WithoutABlankHasNoTime) {
  EXPECT_FALSE(parse("2026-11-21T12:00:00+00:00"));
  EXPECT_FALSE(parse("8,,,-[1]:,,,,,,,,,,,,,,,,6HH7J8K9MNPQ"));
}

TEST(MailLogLine, OfAnyBytesIsNoneOrOne) {
  for (const char* line : {"", "x", "Nov 21 12:00:00", "Nov 21 12:00:00 web1 postfix/smtp[13]: ",
                           "2026-11-21 12:00:00 ", "2026-11-21 12:00:00 1abcDE-000fGh-2i",
                           "9999-99-99T99:99:99 x[1]: 4F2C312345: y", "]: [[[[ ]: ]: ]: ]: ]: "}) {
    (void)parse(line);
  }
  // Of the year before, where this one's is yet to come.
  EXPECT_EQ(parse("Dec 31 23:59:59 w postfix/smtp[1]: 4F2C312345: x", 1'767'225'600)->time_ms,
            1'767'225'599'000U);
}

}  // namespace

}  // namespace mailorigin::tracing
