// The real daemon, and who asks it as PHP does.
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/asker.h"
#include "tests/daemon/running_daemon.h"

namespace mailorigin::testing {
namespace {

client::Patience patient(int milliseconds) {
  const std::chrono::milliseconds time(milliseconds);
  return {.absent = time, .late = time};
}

TEST_F(DaemonTest, AnswersRecordsAndLogs) {
  ask_as(tenant, "verified", fresh_context(host_.key, tenant));
  ask_as(tenant, "cron");
  ask_as(neighbour, "shell");
  ask_as(neighbour, "stolen", fresh_context(host_.key, tenant), "uid");
  ask_as(neighbour, "forged", fresh_context(SealKey::generate()), "unknown-key");
  ask_as(neighbour, "garbage", "!!!", "malformed");
  const std::string t = std::to_string(tenant);
  const std::string n = std::to_string(neighbour);
  EXPECT_EQ(log_lines(6),
            (std::vector<std::string>{
                "verified|true|example.test:80|-|" + t + "|allow|/srv/example/index.php",
                "cron|false|example.test:80|-|" + t + "|allow|/srv/example/claimed.php",
                "shell|false|-|-|" + n + "|allow|/srv/example/claimed.php",
                "stolen|false|-|uid|" + n + "|allow|/srv/example/claimed.php",
                "forged|false|-|unknown-key|" + n + "|allow|/srv/example/claimed.php",
                "garbage|false|-|malformed|" + n + "|allow|/srv/example/claimed.php",
            }));
}

TEST_F(DaemonTest, ServesTheAskerThatPhpUses) {
  client::Asker asker;
  for (int i = 0; i < 50; i++) {
    const auto answer =
        asker.ask(host_.question_socket, mail_question(std::to_string(i)), patient(5000)).answer;
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->verdict, Verdict::allow);
  }
  EXPECT_EQ(log_lines(50).size(), 50u);
}

TEST_F(DaemonTest, ARepeatedNonceIsOneEvent) {
  const Question question = mail_question("once");
  RawClient first(host_.question_socket);
  const auto answer = first.ask(question);
  ASSERT_TRUE(answer);
  const auto again = first.ask(question);
  RawClient second(host_.question_socket);
  const auto elsewhere = second.ask(question);
  ASSERT_TRUE(again && elsewhere);
  for (const auto& repeated : {*again, *elsewhere}) {
    EXPECT_EQ(repeated.id, answer->id);
    EXPECT_EQ(repeated.headers, answer->headers);
    EXPECT_EQ(repeated.nonce, question.nonce);
  }
  // And after a kill it is read from the journal.
  host_.kill_now();
  host_.start();
  RawClient third(host_.question_socket);
  const auto after_kill = third.ask(question);
  ASSERT_TRUE(after_kill);
  EXPECT_EQ(after_kill->id, answer->id);
  EXPECT_EQ(after_kill->headers, answer->headers);

  // Another question under the same nonce is another mail.
  Question other = mail_question("sneaked in");
  other.nonce = question.nonce;
  const auto other_answer = third.ask(other);
  ASSERT_TRUE(other_answer);
  EXPECT_NE(other_answer->id, answer->id);
  control_.emplace(host_.control_socket);
  EXPECT_EQ(push(), "");
  const auto lines = log_lines(2);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_TRUE(lines[1].starts_with("sneaked in|"));
}

RecipientDigest recipients_of(std::string_view list) {
  RecipientSet set;
  set.add(list);
  return set.digest();
}

// mail() has asked, and sendmail asks about the same mail.
TEST_F(DaemonTest, AMailWithItsTicketIsOneEvent) {
  Question call = mail_question("by mail()");
  call.recipients = recipients_of("someone@example.org");
  RawClient client(host_.question_socket);
  const auto answer = client.ask(call);
  ASSERT_TRUE(answer);

  const auto submit = [&](std::string_view list) {
    Question submission = mail_question("by sendmail");
    submission.submitted = true;
    submission.recipients = recipients_of(list);
    submission.ticket = answer->id;
    return client.ask(submission);
  };
  const auto other = submit("someone@example.org, victim@example.org");
  ASSERT_TRUE(other);
  EXPECT_NE(other->id, answer->id) << "for other recipients";
  const auto same = submit("Someone <someone@EXAMPLE.org>");
  ASSERT_TRUE(same);
  EXPECT_EQ(same->id, answer->id);
  EXPECT_EQ(same->headers, answer->headers);
  EXPECT_EQ(same->verdict, Verdict::allow);
  // And after a kill the journal says that it has been shown.
  host_.kill_now();
  host_.start();
  RawClient second(host_.question_socket);
  client = std::move(second);
  const auto twice = submit("someone@example.org");
  ASSERT_TRUE(twice);
  EXPECT_NE(twice->id, answer->id);

  control_.emplace(host_.control_socket);
  EXPECT_EQ(push(), "");
  std::vector<std::string> subjects;
  for (const std::string& line : log_lines(3)) subjects.push_back(line.substr(0, line.find('|')));
  EXPECT_EQ(subjects, (std::vector<std::string>{"by mail()", "by sendmail", "by sendmail"}));
}

// A process that asks for itself may claim one recipient and a sender of its host's, and then
// give sendmail another mail.
TEST_F(DaemonTest, ATicketIsForWhatWasJudged) {
  RawClient client(host_.question_socket);
  const auto shown = [&](const std::function<void(Question&)>& change) {
    Question mail = mail_question("claimed");
    mail.recipients = recipients_of("a@example.org, b@example.org");
    mail.claims.set(Field::recipients, std::uint64_t{2});
    mail.claims.set(Field::from, "me@shop.example");
    mail.claims.set(Field::envelope_from, "me@shop.example");
    const auto claimed = client.ask(mail);
    mail.submitted = true;
    mail.ticket = claimed ? claimed->id : "";
    change(mail);
    const auto answer = client.ask(mail);
    return answer && claimed && answer->id == claimed->id;
  };
  EXPECT_TRUE(shown([](Question&) {}));
  EXPECT_TRUE(shown([](Question& mail) {
    mail.claims.set(Field::subject, "as the mail server's program has it");
    mail.claims.set(Field::envelope_from, "me@shop.example, -C");
  }));
  EXPECT_FALSE(shown([](Question& mail) { mail.claims.set(Field::recipients, std::uint64_t{3}); }));
  EXPECT_FALSE(shown([](Question& mail) { mail.claims.set(Field::from, "ev@other.example"); }));
  EXPECT_FALSE(
      shown([](Question& mail) { mail.claims.set(Field::envelope_from, "ev@other.example"); }));
  EXPECT_FALSE(shown(
      [](Question& mail) { mail.claims.set(Field::envelope_from, "me@shop.example, -x@y"); }));
}

TEST_F(DaemonTest, ARequestBelongsToTheFirstProcessThatShowsIt) {
  const std::string context = fresh_context(host_.key, tenant);
  // A worker whose child shows it first, then the worker itself.
  const pid_t worker = run_as(tenant, [&] {
    const auto ask = [&](const std::string& reason) {
      RawClient client(host_.question_socket);
      const auto answer = client.ask(mail_question("family", context));
      return answer && answer->reason == reason ? 0 : 1;
    };
    const pid_t child = fork();
    if (child == 0) _exit(ask(""));
    if (exit_status(child) != 0 || ask("") != 0) return 1;
    return pause();
  });
  ASSERT_EQ(log_lines(2).size(), 2u);
  ask_as(tenant, "replayed by another process", context, "replayed");
  kill(worker, SIGKILL);
  EXPECT_EQ(exit_status(worker), 128 + SIGKILL);
  ask_as(tenant, "after its end", context, "replayed");
}

// php-fpm in one container, mailorigind in another.
TEST_F(DaemonTest, WhoIsOfAnotherPidNamespaceIsAnsweredAndSaid) {
  host_.terminate();
  host_.start(DaemonHost::Namespace::its_own);
  control_.emplace(host_.control_socket);
  ASSERT_EQ(push(), "");
  ask_as(tenant, "outside", fresh_context(host_.key, tenant), "pid-namespace");
  ask_as(tenant, "cron outside");
  const std::string t = std::to_string(tenant);
  EXPECT_EQ(
      log_lines(2),
      (std::vector<std::string>{
          "outside|false|example.test:80|pid-namespace|" + t + "|allow|/srv/example/claimed.php",
          "cron outside|false|example.test:80|-|" + t + "|allow|/srv/example/claimed.php"}));
  EXPECT_NE(control_->notice_with("MO0250"), "");
}

TEST_F(DaemonTest, ARegistrationWithoutAContextIsAnswered) {
  RawClient client(host_.question_socket);
  Registration registration;
  registration.nonce.fill(7);
  ASSERT_TRUE(client.send(encode_registration(registration)));
  const auto answer = client.answer();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->verdict, Verdict::deny);
  EXPECT_EQ(answer->reason, "no-context");
  EXPECT_EQ(answer->nonce, registration.nonce);
}

TEST_F(DaemonTest, AnswersWhileTheJournalsDiskIsFullButSaysThatItRecordsNothing) {
  host_.terminate();
  const std::string disk = host_.state_directory;
  const SmallDisk small(disk, "size=256k,mode=0700,uid=65534,gid=65534");
  if (!small.mounted()) GTEST_SKIP() << "no tmpfs can be mounted here";
  host_.start();
  control_.emplace(host_.control_socket);
  EXPECT_EQ(push(), "");
  const std::string ballast = disk + "/ballast";
  std::ofstream(ballast) << std::string(400'000, 'b');
  RawClient client(host_.question_socket);
  bool lost = false;
  std::size_t recorded = 0;
  for (int i = 0; i < 100 && !lost; i++) {
    const auto answer = client.ask(mail_question("full " + std::string(1000, 'x')));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->verdict, Verdict::allow);
    lost = !answer->recorded;
    if (!lost) recorded++;
  }
  EXPECT_TRUE(lost);
  EXPECT_NE(control_->notice_with("MO0212"), "");
  std::filesystem::remove(ballast);
  const auto answer = client.ask(mail_question("space again"));
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->recorded);
  EXPECT_NE(control_->notice_with("MO0213"), "");
  EXPECT_EQ(log_lines(recorded + 1).size(), recorded + 1);
  EXPECT_EQ(host_.terminate(), 0);
}

}  // namespace
}  // namespace mailorigin::testing
