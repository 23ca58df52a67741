#include "tests/harness/postgres.h"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "tests/harness/daemon.h"

namespace mailorigin::testing {

namespace {

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "harness: PostgreSQL: %s\n", what.c_str());
  std::abort();
}

const passwd& account() {
  static const passwd* const entry = getpwnam("postgres");
  if (entry == nullptr) fail("the package postgresql is not installed");
  return *entry;
}

std::string newest_programs() {
  std::string newest;
  std::error_code ignored;
  for (const auto& each : std::filesystem::directory_iterator("/usr/lib/postgresql", ignored)) {
    newest = std::max(newest, each.path().string());
  }
  if (newest.empty()) fail("the package postgresql is not installed");
  return newest + "/bin/";
}

// As the user that PostgreSQL asks for: root may not run it.
pid_t start_as_postgres(const std::string& command) {
  const passwd& user = account();
  const pid_t child = fork();
  if (child != 0) return child;
  if (setgroups(0, nullptr) != 0 || setgid(user.pw_gid) != 0 || setuid(user.pw_uid) != 0) {
    _exit(126);
  }
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  execl("/bin/sh", "sh", "-c", ("exec " + command).c_str(), nullptr);
  _exit(127);
}

}  // namespace

PostgresServer::PostgresServer() : programs_(newest_programs()) {
  char name[] = "/tmp/mailorigin-postgres-XXXXXX";
  if (mkdtemp(name) == nullptr) fail("no directory");
  directory_ = name;
  if (chown(name, account().pw_uid, account().pw_gid) != 0) fail("these tests need root");
  chmod(name, 0755);
  run("initdb", "-D " + directory_ + "/data -A trust -U postgres -E UTF8 --locale=C -N");
  start();
}

PostgresServer::~PostgresServer() {
  kill_now();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void PostgresServer::run(const std::string& program, const std::string& arguments) const {
  const pid_t child =
      start_as_postgres(programs_ + program + ' ' + arguments + " >>" + directory_ + "/log 2>&1");
  if (exit_status(child) != 0) fail(program + ":\n" + read_whole(directory_ + "/log"));
}

void PostgresServer::start() {
  pid_ = start_as_postgres(programs_ + "postgres -D " + directory_ + "/data -k " + directory_ +
                           " -h '' >>" + directory_ + "/log 2>&1");
  const std::string ready = programs_ + "pg_isready -q -h " + directory_;
  if (!eventually([&] { return exit_status(start_as_postgres(ready)) == 0; })) {
    fail("it does not start:\n" + read_whole(directory_ + "/log"));
  }
}

void PostgresServer::kill_now() {
  if (pid_ <= 0) return;
  go_on();
  kill(pid_, SIGQUIT);  // its processes end at once, without a last word to the disk
  waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

void PostgresServer::pause() {
  // It and each process of it.
  (void)!std::system(
      ("kill -STOP $(pgrep -P " + std::to_string(pid_) + ") " + std::to_string(pid_)).c_str());
}

void PostgresServer::go_on() {
  (void)!std::system(
      ("kill -CONT $(pgrep -P " + std::to_string(pid_) + ") " + std::to_string(pid_)).c_str());
}

std::string PostgresServer::params(const std::string& database) const {
  return "host=" + directory_ + " user=postgres dbname=" + database;
}

void PostgresServer::make_database(const std::string& name) {
  run("psql", "-q -h " + directory_ + " -U postgres -c 'CREATE DATABASE \"" + name + "\"'");
}

}  // namespace mailorigin::testing
