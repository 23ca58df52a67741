// What the tests and the benchmark of the daemon need around the real program:
// a place, the part of httpd, and processes that ask.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/fd.h"
#include "core/policy.h"
#include "core/seal.h"
#include "core/unix_socket.h"
#include "core/wire/asking.h"
#include "core/wire/control.h"

namespace mailorigin::testing {

inline constexpr std::chrono::seconds patience{20};  // sanitizers are slow

// A directory of root's below /run (sockets are refused elsewhere), removed at the end.
class TestDirectory {
 public:
  TestDirectory();
  ~TestDirectory();
  TestDirectory(const TestDirectory&) = delete;
  TestDirectory& operator=(const TestDirectory&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// A file system of a few pages, to be filled; gone at the end.
class SmallDisk {
 public:
  // `options` are tmpfs(5)'s; the directory is there.
  SmallDisk(std::string directory, const std::string& options);
  ~SmallDisk();
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  // False where nothing can be mounted: in a container, say.
  [[nodiscard]] bool mounted() const { return mounted_; }

 private:
  std::string directory_;
  bool mounted_;
};

std::string read_whole(const std::string& path);
std::vector<std::string> read_lines(const std::string& path);

// True as soon as `condition` is; false if it is not within `patience`.
bool eventually(const std::function<bool()>& condition);

// A log as httpd opens it.
Fd open_log(const std::string& path);

// A policy with one server and one vhost, "example.test:80", id vhost_id() of it,
// that runs as `run_as` and logs to `log` with `format`; without a store.
Policy simple_policy(const std::string& log, const std::string& format,
                     std::optional<std::uint32_t> run_as = std::nullopt);
inline constexpr std::string_view simple_vhost = "example.test:80";

// A control connection, as httpd keeps one.
class ControlConnection {
 public:
  explicit ControlConnection(const std::string& path);

  // The reply; "no reply" and the like when there is none.
  std::string push(const Policy& policy, const SealKey& key, const std::vector<int>& descriptors);
  void send(std::string_view packet, const std::vector<int>& descriptors = {});
  std::string reply();
  // The next notice that contains `text`; empty if none comes within `patience`.
  std::string notice_with(const std::string& text);
  std::vector<std::string> notices_so_far();
  void close() { socket_.reset(); }

 private:
  Fd socket_;
  Packet packet_;
  std::vector<std::string> notices_;
};

// The listening sockets, which outlive daemons, and the daemons.
class DaemonHost {
 public:
  DaemonHost();
  ~DaemonHost();  // kills what still runs

  TestDirectory directory;
  std::string state_directory;
  std::string question_socket;
  std::string control_socket;
  SealKey key = SealKey::generate();

  // Starts a daemon; it need not be ready when this returns. In a pid namespace of its
  // own it is the first process there.
  enum class Namespace { ours, its_own };
  pid_t start(Namespace pids = Namespace::ours);
  void kill_now();  // SIGKILL, and waits for the end
  int terminate();  // SIGTERM; the exit status, or -1 when it does not end in time
  int wait_end();   // the same without the signal
  // httpd has gone: closes the lifeline's write end.
  void end_lifeline() { lifeline_write_.reset(); }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  std::string binary_;
  Fd questions_;
  Fd control_;
  Fd lifeline_read_;
  Fd lifeline_write_;
  pid_t pid_ = 0;
};

// A context of simple_vhost with a fresh request id.
std::string fresh_context(const SealKey& key, std::uint32_t uid = ContextTag::any_uid,
                          std::uint8_t flags = 0);

// A connection that sends what it is told.
class RawClient {
 public:
  explicit RawClient(const std::string& path);

  bool send(std::string_view packet);
  // The answer; nothing when the connection is closed, or nothing comes in time.
  std::optional<Answer> answer();
  std::optional<Answer> ask(const Question& question);
  [[nodiscard]] bool closed();  // waits for the end of the connection
  [[nodiscard]] int fd() const { return socket_.get(); }

 private:
  Fd socket_;
  Packet packet_;
};

Question mail_question(const std::string& subject, const std::string& context = "");

// Runs `work` in a child process under that uid; its result is the exit status.
pid_t run_as(uid_t uid, const std::function<int()>& work);
// Waits for it, at most `patience`; -1 if it did not end (it is killed then).
int exit_status(pid_t child);

}  // namespace mailorigin::testing
