#include "tests/harness/daemon.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string_view>
#include <thread>
#include <utility>

#include "core/random.h"
#include "core/ulid.h"

namespace mailorigin::testing {

namespace {

Deadline in_time() { return std::chrono::steady_clock::now() + patience; }

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "harness: %s\n", what.c_str());
  std::abort();
}

template <class T>
T must(Result<T> result) {
  if (!result) fail(result.error().message);
  return *std::move(result);
}

}  // namespace

TestDirectory::TestDirectory() {
  char name[] = "/run/mailorigin-test-XXXXXX";
  if (mkdtemp(name) == nullptr) fail("these tests need to run as root");
  chmod(name, 0755);
  path_ = name;
}

TestDirectory::~TestDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

SmallDisk::SmallDisk(std::string directory, const std::string& options)
    : directory_(std::move(directory)),
      mounted_(mount("tmpfs", directory_.c_str(), "tmpfs", 0, options.c_str()) == 0) {}

SmallDisk::~SmallDisk() {
  // Also while somebody still has a file open there.
  if (mounted_) umount2(directory_.c_str(), MNT_DETACH);
}

std::string read_whole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<std::string> read_lines(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

bool eventually(const std::function<bool()>& condition) {
  const Deadline deadline = in_time();
  while (!condition()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

Fd open_log(const std::string& path) {
  return Fd(open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0644));
}

Policy simple_policy(const std::string& log, const std::string& format,
                     std::optional<std::uint32_t> run_as) {
  Policy policy;
  policy.instance = "/run/test-httpd.pid";
  policy.targets = {{LogTarget::Kind::file, log}};
  policy.server.logs = {{0, {false, format}}};
  policy.store.enabled = false;
  VhostPolicy vhost;
  vhost.id = vhost_id(simple_vhost);
  vhost.name = simple_vhost;
  vhost.docroot = "/srv/example";
  vhost.run_as = run_as;
  vhost.logs = {{0, {false, format}}};
  vhost.headers = {{"X-Mail-Origin", "%{id}"}};
  policy.vhosts = {vhost};
  policy.index();
  return policy;
}

ControlConnection::ControlConnection(const std::string& path)
    : socket_(must(connect_unix(path, in_time()))) {}

void ControlConnection::send(std::string_view packet, const std::vector<int>& descriptors) {
  (void)send_packet(socket_.get(), packet, in_time(), descriptors);
}

std::string ControlConnection::reply() {
  for (;;) {
    switch (receive_packet(socket_.get(), packet_, packet_limit, in_time())) {
      case Received::packet:
        break;
      case Received::nothing_yet:
        return "no reply in time";
      default:
        return "closed without a reply";
    }
    if (const auto notice = decode_notice(packet_.bytes)) {
      notices_.push_back(notice->text);
      continue;
    }
    const auto reply = decode_reply(packet_.bytes);
    return reply ? *reply : reply.error().message;
  }
}

std::string ControlConnection::push(const Policy& policy, const SealKey& key,
                                    const std::vector<int>& descriptors) {
  const std::string bytes = policy.encode();
  const Fd memory(memfd_create("policy", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (write(memory.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
    fail("memfd");
  }
  fcntl(memory.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
  send(encode_policy_message({policy.instance, {key, std::nullopt}}), {memory.get()});
  for (std::size_t first = 0; first < descriptors.size(); first += descriptors_per_packet) {
    const std::size_t end = std::min(first + descriptors_per_packet, descriptors.size());
    send(encode_descriptors_message(first),
         {descriptors.begin() + static_cast<std::ptrdiff_t>(first),
          descriptors.begin() + static_cast<std::ptrdiff_t>(end)});
  }
  send(encode_head(MessageType::commit));
  return reply();
}

std::string ControlConnection::notice_with(const std::string& text) {
  std::string found;
  (void)eventually([&] {
    for (const std::string& notice : notices_so_far()) {
      if (notice.find(text) != std::string::npos) found = notice;
    }
    return !found.empty();
  });
  return found;
}

std::vector<std::string> ControlConnection::notices_so_far() {
  while (receive_packet(socket_.get(), packet_, packet_limit) == Received::packet) {
    if (const auto notice = decode_notice(packet_.bytes)) notices_.push_back(notice->text);
  }
  return notices_;
}

DaemonHost::DaemonHost()
    : state_directory(directory / "state"),
      question_socket(directory / "mailorigin.sock"),
      control_socket(directory / "control.sock"),
      binary_(MAILORIGIND_PATH),
      questions_(must(listen_unix(question_socket, 0666, 4096))),
      control_(must(listen_unix(control_socket, 0600, 16))) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) fail("pipe");
  lifeline_read_.reset(ends[0]);
  lifeline_write_.reset(ends[1]);
}

DaemonHost::~DaemonHost() {
  if (pid_ > 0) kill_now();
}

pid_t DaemonHost::start(Namespace pids) {
  const std::vector<int> handed = {questions_.get(), control_.get(), lifeline_read_.get()};
  const int write_end = lifeline_write_.get();
  // fork() where it will do: it takes care of locks that other threads hold.
  pid_ = pids == Namespace::ours ? fork()
                                 : static_cast<pid_t>(syscall(SYS_clone, CLONE_NEWPID | SIGCHLD,
                                                              nullptr, nullptr, nullptr, 0));
  if (pid_ != 0) return pid_;
  // Clear of the descriptors' final places first, as they may overlap them.
  std::vector<int> moved;
  for (const int fd : handed) moved.push_back(fcntl(fd, F_DUPFD_CLOEXEC, 64));
  if (write_end >= 0) close(write_end);
  for (std::size_t i = 0; i < moved.size(); i++) dup2(moved[i], static_cast<int>(3 + i));
  setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
  setenv("LISTEN_FDS", "3", 1);
  setenv("LISTEN_FDNAMES", "question:control:lifeline", 1);
  // The daemon is not dumpable, which LeakSanitizer cannot do without.
  setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
  execl(binary_.c_str(), "mailorigind", "--user", "#65534", "--state-dir", state_directory.c_str(),
        "--runtime-dir", directory.path().c_str(), nullptr);
  _exit(127);
}

void DaemonHost::kill_now() {
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

int DaemonHost::wait_end() {
  const int status = exit_status(pid_);
  pid_ = 0;
  return status;
}

int DaemonHost::terminate() {
  kill(pid_, SIGTERM);
  return wait_end();
}

std::string fresh_context(const SealKey& key, std::uint32_t uid, std::uint8_t flags) {
  Context context;
  context.tag.flags = flags;
  context.tag.vhost_id = vhost_id(simple_vhost);
  context.tag.uid = uid;
  random_bytes(context.tag.request_id.bytes.data(), context.tag.request_id.bytes.size());
  context.tag.boottime_ns = boottime_now_ns();
  context.vhost = simple_vhost;
  context.docroot = "/srv/example";
  context.entry = "/srv/example/index.php";
  context.client = "192.0.2.7";
  context.method = "POST";
  context.uri = "/contact?x=1";
  return seal(context, key);
}

RawClient::RawClient(const std::string& path) : socket_(must(connect_unix(path, in_time()))) {}

bool RawClient::send(std::string_view packet) {
  return ::send(socket_.get(), packet.data(), packet.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(packet.size());
}

std::optional<Answer> RawClient::answer() {
  if (receive_packet(socket_.get(), packet_, packet_limit, in_time()) != Received::packet) {
    return std::nullopt;
  }
  auto answer = decode_answer(packet_.bytes);
  if (!answer) return std::nullopt;
  return *std::move(answer);
}

std::optional<Answer> RawClient::ask(const Question& question) {
  if (!send(encode_question(question))) return std::nullopt;
  return answer();
}

bool RawClient::closed() {
  const Received received = receive_packet(socket_.get(), packet_, packet_limit, in_time());
  return received == Received::closed || received == Received::failed;
}

Question mail_question(const std::string& subject, const std::string& context) {
  Question question;
  random_bytes(question.nonce.data(), question.nonce.size());
  question.context = context;
  question.claims.set(Field::function, "mail");
  question.claims.set(Field::file, "/srv/example/lib/send.php");
  question.claims.set(Field::line, std::uint64_t{42});
  question.claims.set(Field::entry, "/srv/example/claimed.php");
  question.claims.set(Field::to, "someone@example.org");
  question.claims.set(Field::subject, subject);
  return question;
}

pid_t run_as(uid_t uid, const std::function<int()>& work) {
  const pid_t child = fork();
  if (child != 0) return child;
  if (uid != 0 && (setgroups(0, nullptr) != 0 || setgid(uid) != 0 || setuid(uid) != 0)) {
    _exit(126);
  }
  _exit(work());
}

int exit_status(pid_t child) {
  int status = 0;
  if (!eventually([&] { return waitpid(child, &status, WNOHANG) == child; })) {
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    return -1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace mailorigin::testing
