// fake_daemon: answers questions as its command line says.
//
//   fake_daemon --socket PATH --questions FILE [--syslog PATH] [--header "Name: value"]...
//               [--reason WORD] [--id TEXT] [--retry-after SECONDS] ANSWER...
//
// Each ANSWER is the reaction to one question, and the last one to all that
// follow: allow, observe, hold, deny, unrecorded (the journal could not be written),
// silence, close (hang up), garbage (bytes that are no answer), foreign (an
// answer to another question).
//
// A hello is passed over. Each question is appended to FILE as lines "name=value", what syslog
// would have got as a line "syslog=...". "ready" is printed once the sockets are there. It ends
// when its standard input does, and after two minutes anyway.
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/fd.h"
#include "core/text.h"
#include "core/unix_socket.h"
#include "core/wire/asking.h"

namespace {

using namespace mailorigin;

struct Options {
  std::string socket;
  std::string questions;
  std::string syslog;
  Answer answer{};
  std::vector<std::string> reactions;
};

[[noreturn]] void fail(std::string_view message) {
  std::fprintf(stderr, "fake_daemon: %.*s\n", static_cast<int>(message.size()), message.data());
  std::exit(2);
}

Options parse(int argc, char** argv) {
  Options options;
  options.answer.reason = "policy";
  options.answer.id = "01JD0000000000000000000000";
  for (int i = 1; i < argc; i++) {
    const std::string_view word(argv[i]);
    if (!word.starts_with("--")) {
      options.reactions.emplace_back(word);
      continue;
    }
    if (++i == argc) fail("an option lacks its value");
    const std::string value(argv[i]);
    if (word == "--socket") {
      options.socket = value;
    } else if (word == "--questions") {
      options.questions = value;
    } else if (word == "--syslog") {
      options.syslog = value;
    } else if (word == "--reason") {
      options.answer.reason = value;
    } else if (word == "--retry-after") {
      options.answer.retry_after = std::strtoull(value.c_str(), nullptr, 10);
    } else if (word == "--id") {
      options.answer.id = value;
    } else if (word == "--header") {
      const auto colon = value.find(": ");
      if (colon == value.npos) fail("--header is \"Name: value\"");
      options.answer.headers.emplace_back(value.substr(0, colon), value.substr(colon + 2));
    } else {
      fail("unknown option");
    }
  }
  if (options.socket.empty() || options.questions.empty() || options.reactions.empty()) {
    fail("--socket, --questions and an answer are needed");
  }
  return options;
}

// Not listen_unix(): that one insists on directories which nobody else can write.
Fd bind_at(const std::string& path, int type) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) fail("the socket's path is too long");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  unlink(path.c_str());
  Fd socket(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket || bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    fail("cannot bind " + path);
  }
  chmod(path.c_str(), 0666);
  if (type == SOCK_SEQPACKET && listen(socket.get(), 64) != 0) fail("cannot listen at " + path);
  return socket;
}

class FakeDaemon {
 public:
  explicit FakeDaemon(Options options)
      : options_(std::move(options)),
        listener_(bind_at(options_.socket, SOCK_SEQPACKET)),
        file_(open(options_.questions.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) {
    if (!options_.syslog.empty()) syslog_ = bind_at(options_.syslog, SOCK_DGRAM);
    if (!file_) fail("cannot open " + options_.questions);
  }

  ~FakeDaemon() {
    unlink(options_.socket.c_str());
    if (syslog_) unlink(options_.syslog.c_str());
  }

  void run() {
    std::puts("ready");
    std::fflush(stdout);
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(2);
    while (std::chrono::steady_clock::now() < end && serve_once()) {
    }
  }

 private:
  // False once standard input has ended.
  bool serve_once() {
    std::vector<pollfd> wanted = {{STDIN_FILENO, POLLIN, 0}, {listener_.get(), POLLIN, 0}};
    wanted.push_back({syslog_.get(), POLLIN, 0});  // ignored by poll() when there is none
    for (const Fd& connection : connections_) wanted.push_back({connection.get(), POLLIN, 0});
    if (poll(wanted.data(), wanted.size(), 1000) <= 0) return true;
    if (wanted[0].revents != 0) {
      char byte;
      if (read(STDIN_FILENO, &byte, 1) <= 0) return false;
    }
    if (wanted[1].revents != 0) {
      connections_.emplace_back(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    }
    if (wanted[2].revents != 0) take_syslog();
    for (std::size_t i = 3; i < wanted.size(); i++) {
      if (wanted[i].revents != 0 && !take_question(connections_[i - 3]))
        connections_[i - 3].reset();
    }
    std::erase_if(connections_, [](const Fd& connection) { return !connection; });
    return true;
  }

  void write(const std::string& text) {
    if (::write(file_.get(), text.data(), text.size()) < 0) fail("cannot write");
  }

  void take_syslog() {
    char text[65536];
    const ssize_t length = recv(syslog_.get(), text, sizeof text, 0);
    if (length > 0) write("syslog=" + std::string(text, static_cast<std::size_t>(length)) + '\n');
  }

  // False when the connection is over.
  bool take_question(Fd& connection) {
    if (receive_packet(connection.get(), packet_, packet_limit) != Received::packet) return false;
    if (message_type(packet_.bytes) == MessageType::hello) return true;
    const auto question = decode_question(packet_.bytes);
    if (!question) {
      write("undecodable=" + question.error().message + "\n");
      return false;
    }
    write_question(*question);
    return react(connection, *question);
  }

  void write_question(const Question& question) {
    std::string text = "context=" + question.context + '\n';
    for (std::size_t i = 0; i < field_count; i++) {
      const auto field = static_cast<Field>(i);
      if (!question.claims.has(field)) continue;
      text += info(field).name;
      text += '=';
      append_one_line(text, question.claims.get(field));
      text += '\n';
    }
    if (!question.scripts.empty()) {
      text += "scripts=";
      for (const std::string& script : question.scripts) append_one_line(text, script + ' ');
      text += question.scripts_cut ? "(cut)\n" : "\n";
    }
    write(text + '\n');
  }

  bool react(Fd& connection, const Question& question) {
    const std::string reaction =
        options_.reactions[std::min(asked_, options_.reactions.size() - 1)];
    asked_++;
    if (reaction == "silence") return true;
    if (reaction == "close") return false;
    Answer answer = options_.answer;
    answer.nonce = question.nonce;
    if (reaction == "foreign") answer.nonce[0] ^= 1;
    if (reaction == "unrecorded") answer.recorded = false;
    if (reaction == "observe") answer.verdict = Verdict::observe;
    if (reaction == "hold") answer.verdict = Verdict::hold;
    if (reaction == "deny") {
      answer.verdict = Verdict::deny;
      answer.headers.clear();
    }
    const std::string bytes = reaction == "garbage" ? "\x01\x02garbage" : encode_answer(answer);
    const Deadline soon = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    return static_cast<bool>(send_packet(connection.get(), bytes, soon));
  }

  Options options_;
  Fd listener_;
  Fd syslog_;
  Fd file_;
  std::vector<Fd> connections_;
  Packet packet_;
  std::size_t asked_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  FakeDaemon(parse(argc, argv)).run();
  return 0;
}
