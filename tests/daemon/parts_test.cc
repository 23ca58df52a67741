// The small parts: command line, what is inherited, privileges, names, notices,
// the stored policy.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mailorigind/active_policy.h"
#include "mailorigind/asking/user_names.h"
#include "mailorigind/inherited.h"
#include "mailorigind/limits.h"
#include "mailorigind/options.h"
#include "service/limits.h"
#include "service/notice_board.h"
#include "service/policy_file.h"
#include "service/privileges.h"
#include "tests/harness/daemon.h"

namespace mailorigin::daemon {
namespace {

using testing::eventually;
using testing::exit_status;
using testing::read_whole;
using testing::run_as;
using testing::TestDirectory;

template <std::size_t count>
Result<Options> parse(const char* const (&arguments)[count]) {
  return parse_options(static_cast<int>(count), arguments);
}

TEST(Options, AreReadInBothSpellings) {
  const auto options =
      parse({"mailorigind", "--user", "#7", "--state-dir=/s", "--runtime-dir", "/r"});
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->user, "#7");
  EXPECT_EQ(options->state_directory, "/s");
  EXPECT_EQ(options->runtime_directory, "/r");
  EXPECT_TRUE(parse({"mailorigind", "--version"})->version);
  EXPECT_TRUE(parse({"mailorigind", "--help"})->help);
}

TEST(Options, NameWhatIsWrong) {
  const auto error = [](const Result<Options>& options) {
    return options ? "" : options.error().message;
  };
  EXPECT_NE(error(parse({"d", "--nonsense"})).find("--nonsense"), std::string::npos);
  EXPECT_NE(error(parse({"d", "--user"})).find("needs a value"), std::string::npos);
  EXPECT_NE(error(parse({"d"})).find("--user"), std::string::npos);
  EXPECT_NE(error(parse({"d", "--user", "x", "--state-dir", "s"})).find("absolute"),
            std::string::npos);
}

// take_inherited() in a child with descriptors 3... and this environment.
std::string inherited_fault(const std::vector<int>& descriptors, const std::string& names,
                            bool own_pid = true) {
  int ends[2];
  if (pipe(ends) != 0) return "pipe";
  const pid_t child = run_as(0, [&] {
    std::vector<int> moved;
    for (const int fd : descriptors) moved.push_back(fcntl(fd, F_DUPFD, 64));
    const int out = fcntl(ends[1], F_DUPFD, 64);
    for (std::size_t i = 0; i < moved.size(); i++) dup2(moved[i], static_cast<int>(3 + i));
    setenv("LISTEN_PID", own_pid ? std::to_string(getpid()).c_str() : "1", 1);
    setenv("LISTEN_FDS", std::to_string(descriptors.size()).c_str(), 1);
    setenv("LISTEN_FDNAMES", names.c_str(), 1);
    const auto inherited = take_inherited();
    const std::string said = inherited ? "ok" : inherited.error().message;
    if (inherited && (fcntl(3, F_GETFD) & FD_CLOEXEC) == 0) return 2;
    if (getenv("LISTEN_FDS") != nullptr) return 3;
    return write(out, said.data(), said.size()) < 0 ? 1 : 0;
  });
  close(ends[1]);
  std::array<char, 512> buffer;
  const ssize_t length = read(ends[0], buffer.data(), buffer.size());
  close(ends[0]);
  EXPECT_EQ(exit_status(child), 0);
  return {buffer.data(), length > 0 ? static_cast<std::size_t>(length) : 0};
}

TEST(Inherited, TakesSocketsByTheirNames) {
  const TestDirectory directory;
  const auto question = listen_unix(directory / "q", 0666, 5);
  const auto control = listen_unix(directory / "c", 0600, 5);
  ASSERT_TRUE(question && control);
  const int q = question->get();
  const int c = control->get();
  EXPECT_EQ(inherited_fault({q, c}, "question:control"), "ok");
  EXPECT_EQ(inherited_fault({c, q, q, 0}, "control:question:question:lifeline"), "ok");
  EXPECT_NE(inherited_fault({q, c}, "question:control", false).find("LISTEN_PID"),
            std::string::npos);
  EXPECT_NE(inherited_fault({q}, "question").find("control"), std::string::npos);
  EXPECT_NE(inherited_fault({q, c, c}, "question:control:control").find("twice"),
            std::string::npos);
  EXPECT_NE(inherited_fault({q, c}, "question:other").find("'other'"), std::string::npos);
  EXPECT_NE(inherited_fault({q, c}, "question").find("''"), std::string::npos);
  EXPECT_NE(inherited_fault({q, 0}, "question:control").find("SEQPACKET"), std::string::npos);
}

TEST(Account, IsFoundByNameAndNumberButNeverRoot) {
  EXPECT_TRUE(service::find_account("nobody"));
  EXPECT_EQ(service::find_account("#65533")->uid, 65533u);
  for (const char* refused : {"root", "#0", "", "#", "#x", "no such user"}) {
    EXPECT_FALSE(service::find_account(refused)) << refused;
  }
}

TEST(StateDirectory, IsMadeForTheAccountAlone) {
  const TestDirectory directory;
  const service::Account account{65533, 65533};
  const std::string path = directory / "state";
  for (int i = 0; i < 2; i++) {
    const Status made = service::prepare_state_directory(path, account);
    ASSERT_TRUE(made) << made.error().message;
    struct stat about {};
    ASSERT_EQ(stat(path.c_str(), &about), 0);
    EXPECT_EQ(about.st_uid, account.uid);
    EXPECT_EQ(about.st_mode & 07777, 0700u);
  }
}

TEST(StateDirectory, IsNotTakenAwayFromOthers) {
  const TestDirectory directory;
  const service::Account account{65533, 65533};
  std::ofstream(directory / "important") << "x";
  const Status roots = service::prepare_state_directory(directory.path(), account);
  ASSERT_FALSE(roots);
  EXPECT_NE(roots.error().message.find("not empty"), std::string::npos);

  const std::string others = directory / "others";
  std::filesystem::create_directory(others);
  ASSERT_EQ(chown(others.c_str(), 1234, 1234), 0);
  const Status theirs = service::prepare_state_directory(others, account);
  ASSERT_FALSE(theirs);
  EXPECT_NE(theirs.error().message.find("1234"), std::string::npos);

  std::filesystem::create_symlink("/etc", directory / "link");
  EXPECT_FALSE(service::prepare_state_directory(directory / "link", account));
  EXPECT_FALSE(service::prepare_state_directory(directory / "important", account));
}

TEST(StateDirectory, IsLockedForOne) {
  const TestDirectory directory;
  auto first = service::lock_state_directory(directory.path(), std::chrono::milliseconds(0));
  ASSERT_TRUE(first);
  const auto second =
      service::lock_state_directory(directory.path(), std::chrono::milliseconds(20));
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().message.find("MailOriginStateDir"), std::string::npos);
  first->reset();
  EXPECT_TRUE(service::lock_state_directory(directory.path(), std::chrono::milliseconds(20)));
}

TEST(Key, OfThisBootIsRead) {
  const TestDirectory directory;
  EXPECT_FALSE(service::read_key(directory.path()));
  const SealKey key = SealKey::generate();
  const std::string path = directory / "key";
  const auto write_key = [&](std::string_view boot) {
    std::ofstream(path, std::ios::binary) << encode_key_file(key, boot);
    ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  };
  write_key(*boot_id());
  ASSERT_TRUE(service::read_key(directory.path()));
  EXPECT_EQ(service::read_key(directory.path())->secret, key.secret);
  write_key("an earlier boot");
  EXPECT_FALSE(service::read_key(directory.path()));
}

TEST(Key, IsRootsAlone) {
  const TestDirectory directory;
  const std::string path = directory / "key";
  std::ofstream(path, std::ios::binary) << encode_key_file(SealKey::generate(), *boot_id());
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  ASSERT_TRUE(service::read_key(directory.path()));
  ASSERT_EQ(chmod(path.c_str(), 0640), 0);
  EXPECT_FALSE(service::read_key(directory.path()));
  ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  ASSERT_EQ(chown(path.c_str(), 65533, 65533), 0);
  EXPECT_FALSE(service::read_key(directory.path()));
  ASSERT_EQ(rename(path.c_str(), (directory / "other").c_str()), 0);
  ASSERT_EQ(chown((directory / "other").c_str(), 0, 0), 0);
  ASSERT_EQ(symlink("other", path.c_str()), 0);
  EXPECT_FALSE(service::read_key(directory.path()));
}

TEST(Privileges, AreGoneForGood) {
  const pid_t child = run_as(0, [] {
    if (!service::become({65533, 65533})) return 1;
    if (setuid(0) == 0) return 2;
    const std::string status = read_whole("/proc/self/status");
    if (status.find("CapEff:\t0000000000000000") == std::string::npos) return 3;
    if (status.find("NoNewPrivs:\t1") == std::string::npos) return 4;
    return getuid() == 65533 && getgid() == 65533 ? 0 : 5;
  });
  EXPECT_EQ(exit_status(child), 0);
}

TEST(UserNames, AreFoundByAnotherThread) {
  UserNames names;
  EXPECT_EQ(names.name(0), "");
  EXPECT_FALSE(names.known(0, 1000));
  EXPECT_FALSE(names.known(65531, 1000));
  std::size_t found = 0;
  ASSERT_TRUE(eventually([&] { return (found += names.take_found(1000).size()) == 2; }));
  EXPECT_EQ(names.name(0), "root");
  EXPECT_TRUE(names.known(65531, 1000));
  EXPECT_EQ(names.name(65531), "");
}

TEST(UserNames, AnOldNameServesUntilTheNewOneIsFound) {
  int lookups = 0;
  UserNames names([&](uid_t) { return "name" + std::to_string(++lookups); });
  EXPECT_FALSE(names.known(5, 0));
  ASSERT_TRUE(eventually([&] { return !names.take_found(0).empty(); }));
  EXPECT_TRUE(names.known(5, name_lifetime_ms - 1));
  EXPECT_TRUE(names.known(5, name_lifetime_ms));
  EXPECT_EQ(names.name(5), "name1");
  ASSERT_TRUE(eventually([&] { return !names.take_found(name_lifetime_ms).empty(); }));
  EXPECT_EQ(names.name(5), "name2");
}

TEST(UserNames, WhoIsWaitedForComesBeforeWhoIsExpected) {
  std::mutex held;
  std::mutex mutex;
  std::vector<uid_t> order;
  held.lock();
  UserNames names([&](uid_t uid) {
    {
      const std::lock_guard lock(mutex);
      order.push_back(uid);
    }
    const std::lock_guard lock(held);
    return "name" + std::to_string(uid);
  });
  names.expect({1, 2});
  ASSERT_TRUE(eventually([&] {
    const std::lock_guard lock(mutex);
    return !order.empty();
  }));
  EXPECT_FALSE(names.known(3, 0));
  held.unlock();
  std::size_t found = 0;
  ASSERT_TRUE(eventually([&] { return (found += names.take_found(0).size()) == 3; }));
  EXPECT_EQ(order, (std::vector<uid_t>{1, 3, 2}));
  EXPECT_TRUE(names.known(2, 1));
}

TEST(UserNames, ALookupThatHangsHoldsNobodyUp) {
  auto mutex = std::make_shared<std::mutex>();
  mutex->lock();
  {
    UserNames names([mutex](uid_t) {
      const std::lock_guard lock(*mutex);
      return std::string("late");
    });
    EXPECT_FALSE(names.known(5, 0));
    EXPECT_TRUE(names.take_found(0).empty());
  }
  mutex->unlock();
}

TEST(NoticeBoard, SaysWhatLastsOnceAndAgainWhenItReturns) {
  service::NoticeBoard board;
  board.begins("disk", Notice::Level::error, "full");
  board.begins("disk", Notice::Level::error, "full");
  board.over("disk", "better");
  board.over("disk", "better");
  board.over("other", "never began");
  board.begins("disk", Notice::Level::error, "full again");
  std::vector<std::string> texts;
  for (const Notice& notice : board.take()) texts.push_back(notice.text);
  EXPECT_EQ(texts, (std::vector<std::string>{"full", "better", "full again"}));
}

TEST(NoticeBoard, WhatNobodyHeardIsSaidAgain) {
  service::NoticeBoard board;
  const auto nobody_is_there = [&] {
    for (Notice& notice : board.take()) board.unheard(std::move(notice));
  };
  board.say(Notice::Level::notice, "in force");
  board.begins("disk", Notice::Level::error, "full");
  board.begins("name", Notice::Level::warning, "does not resolve");
  nobody_is_there();
  board.over("disk", "better");
  nobody_is_there();
  board.say_unheard();
  std::vector<std::string> texts;
  for (const Notice& notice : board.take()) texts.push_back(notice.text);
  EXPECT_EQ(texts, (std::vector<std::string>{"in force", "does not resolve"}));
  board.say_unheard();
  EXPECT_FALSE(board.waiting());
}

TEST(NoticeBoard, ListsWhatLasts) {
  service::NoticeBoard board;
  EXPECT_TRUE(board.lasting().empty());
  board.begins("disk", Notice::Level::error, "full");
  board.begins("disk", Notice::Level::error, "still full");
  board.begins("name", Notice::Level::warning, "does not resolve");
  board.say(Notice::Level::notice, "passes");
  (void)board.take();
  ASSERT_EQ(board.lasting().size(), 2U);
  EXPECT_EQ(board.lasting()[0].notice.text, "full");
  EXPECT_EQ(board.lasting()[0].notice.level, Notice::Level::error);
  EXPECT_GT(board.lasting()[0].since_ms, 1'700'000'000'000U);
  board.over("disk", "better");
  ASSERT_EQ(board.lasting().size(), 1U);
  EXPECT_EQ(board.lasting()[0].notice.text, "does not resolve");
}

TEST(NoticeBoard, KeepsABoundedNumber) {
  service::NoticeBoard board;
  for (std::size_t i = 0; i < service::notices_kept + 5; i++) {
    board.say(Notice::Level::notice, std::to_string(i));
  }
  auto notices = board.take();
  EXPECT_EQ(notices.size(), service::notices_kept);
  EXPECT_EQ(notices.back().text, std::to_string(service::notices_kept + 4));
  board.say(Notice::Level::notice, "new");
  board.put_back(std::move(notices));
  EXPECT_EQ(board.take().back().text, "new");
  EXPECT_FALSE(board.waiting());
}

TEST(PolicyFile, KeepsThePolicyAndSaysWhatIsWrongWithIt) {
  const TestDirectory directory;
  const auto none = service::load_policy(directory.path());
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
  const std::string encoded = testing::simple_policy("/log", "%{id}").encode();
  ASSERT_TRUE(service::save_policy(directory.path(), encoded));
  const auto loaded = service::load_policy(directory.path());
  ASSERT_TRUE(loaded && *loaded);
  EXPECT_EQ((*loaded)->encode(), encoded);
  std::ofstream(directory / "policy") << "garbage";
  const auto broken = service::load_policy(directory.path());
  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error().message.find("/policy"), std::string::npos);
  EXPECT_FALSE(service::save_policy(directory / "nowhere", encoded));
}

TEST(ActivePolicy, GivesDescriptorsToFilesAndPipesInTheirOrder) {
  Policy policy = testing::simple_policy("/log", "%{id}");
  policy.targets = {{LogTarget::Kind::file, "/a"},
                    {LogTarget::Kind::syslog, "mail"},
                    {LogTarget::Kind::pipe, "|b"}};
  EXPECT_EQ(ActivePolicy::descriptors_needed(policy), 2u);
  std::vector<Fd> descriptors;
  descriptors.emplace_back(dup(0));
  descriptors.emplace_back(dup(0));
  const int first = descriptors[0].get();
  const int second = descriptors[1].get();
  const ActivePolicy active(policy, std::move(descriptors));
  EXPECT_EQ(active.descriptor(0), first);
  EXPECT_EQ(active.descriptor(1), -1);
  EXPECT_EQ(active.descriptor(2), second);
  EXPECT_EQ(&active.rules(vhost_id(testing::simple_vhost)),
            &active.rules(active.policy().vhosts[0]));
  EXPECT_EQ(&active.rules(12345), &active.rules(active.policy().server));
  EXPECT_EQ(ActivePolicy(policy, {}).descriptor(0), -1);
}

}  // namespace
}  // namespace mailorigin::daemon
