// A PostgreSQL server of a test's own, on a socket of its own.
#pragma once

#include <sys/types.h>

#include <string>

namespace mailorigin::testing {

// Debian's newest, as the user that owns its files; gone with its data at the end.
class PostgresServer {
 public:
  // Waits until it answers. Aborts the test where there is no PostgreSQL.
  PostgresServer();
  ~PostgresServer();
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;

  // Connection string of a superuser, of a database with nothing in it.
  [[nodiscard]] std::string params(const std::string& database = "postgres") const;
  void make_database(const std::string& name);
  // For any account of this machine: the test's daemon has one of its own.
  [[nodiscard]] const std::string& directory() const { return directory_; }
  void kill_now();  // as a crash does
  void start();
  void pause();
  void go_on();

 private:
  void run(const std::string& program, const std::string& arguments) const;
  std::string directory_;
  std::string programs_;
  pid_t pid_ = 0;
};

}  // namespace mailorigin::testing
