#include "submit/sending.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "client/asker.h"
#include "submit/dialogue.h"
#include "submit/head.h"
#include "submit/real_program.h"
#include "submit/streams.h"
#include "submit/submission.h"

namespace mailorigin::submit {

namespace {

// A message that is not longer is read whole before it is asked about: then its size is
// known, and nobody has to hand on the rest of it.
constexpr std::size_t message_at_hand_limit = 256 << 10;

RealProgram real_program(const Settings& settings) { return {settings.real, settings.words}; }

std::vector<std::string> arguments_of(const Settings& settings) {
  return {settings.words.begin() + 1, settings.words.end()};
}

client::Outcome ask(const Settings& settings, client::Asker& asker, const Question& question) {
  // Who starts it decides where standard error goes: that is no log of the administrator's.
  const auto no_other_log = [](std::string_view) { return false; };
  try {
    return client::ask_for_outcome(asker, settings.conduct, question, no_other_log);
  } catch (const std::bad_alloc&) {
    return client::Outcome::exhausted();
  }
}

enum class Gathered { all, begin, endless_head, unreadable };

// The head and what comes with it.
Gathered gather(Head& head) {
  std::array<char, 65'536> buffer;
  while (!head.is_whole() || head.text().size() < message_at_hand_limit) {
    if (!head.is_whole() && head.text().size() > head_limit) return Gathered::endless_head;
    const auto length = read_some(STDIN_FILENO, buffer.data(), buffer.size());
    if (!length) return Gathered::unreadable;
    if (*length == 0) {
      head.end();
      return Gathered::all;
    }
    head.add({buffer.data(), *length});
  }
  return Gathered::begin;
}

// Says it before the caller is done with writing, who would else wait for it or be ended
// by a signal.
Ending refuse(Ending ending) {
  write_all(STDERR_FILENO, std::string(program_name) + ": " + ending.text + "\n");
  drain(STDIN_FILENO);
  ending.text.clear();
  return ending;
}

// While there is nothing to read from the program's caller, what the server says of its
// own accord goes to it: it may be tired of waiting.
std::size_t read_caller(int server, char* into, std::size_t room) {
  std::array<pollfd, 2> both = {{{STDIN_FILENO, POLLIN, 0}, {server, POLLIN, 0}}};
  for (;;) {
    if (poll(both.data(), both.size(), -1) < 0 && errno != EINTR) return 0;
    if (both[0].revents != 0) return read_some(STDIN_FILENO, into, room).value_or(0);
    if (both[1].revents == 0) continue;
    std::array<char, 4096> said;
    const std::size_t length = read_some(server, said.data(), said.size()).value_or(0);
    if (length == 0 || !write_all(STDOUT_FILENO, {said.data(), length})) return 0;
  }
}

pid_t forwarded_to = -1;

// Of those that are meant for the program that the caller believes to have started.
void forward_signals(pid_t child) {
  forwarded_to = child;
  struct sigaction action {};
  action.sa_handler = [](int number) { kill(forwarded_to, number); };
  action.sa_flags = SA_RESTART;
  for (const int number : {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM}) {
    struct sigaction before {};
    sigaction(number, nullptr, &before);
    if (before.sa_handler != SIG_IGN) sigaction(number, &action, nullptr);
  }
}

}  // namespace

Ending send_message(const Settings& settings) {
  Head head;
  const Gathered gathered = gather(head);
  if (gathered == Gathered::unreadable) {
    return {EX_IOERR,
            "MO0513: not sent: " + system_error("the message cannot be read", errno).message};
  }
  if (gathered == Gathered::endless_head) {
    return refuse({EX_DATAERR, "MO0511: not sent: the header has more than " +
                                   std::to_string(head_limit) + " bytes"});
  }
  std::optional<std::uint64_t> body_size;
  if (gathered == Gathered::all) body_size = head.body_size();
  client::HeaderFields fields;
  {
    Question question = inherited_question();
    question.ticket = take_ticket();
    describe_message(question, head.fields(), body_size, arguments_of(settings));
    client::Asker asker;
    const client::Outcome outcome = ask(settings, asker, question);
    if (outcome.kind != client::Outcome::Kind::send) return refuse(refusal(outcome));
    fields = outcome.headers;
  }
  const std::string begin = head.with(fields);
  head = Head();
  return gathered == Gathered::all ? become_reading(real_program(settings), begin)
                                   : become_reading_on(real_program(settings), begin);
}

Ending send_probe(const Settings& settings) {
  Question question = inherited_question();
  take_ticket();
  describe_message(question, {}, std::uint64_t{0}, arguments_of(settings));
  client::Asker asker;
  const client::Outcome outcome = ask(settings, asker, question);
  if (outcome.kind != client::Outcome::Kind::send) return refusal(outcome);
  return become_reading(real_program(settings), {});
}

Ending carry_dialogue(const Settings& settings, bool batch) {
  take_ticket();
  const Question inherited = inherited_question();
  auto started = start(real_program(settings));
  if (auto* const why_not = std::get_if<Ending>(&started)) return *why_not;
  Child& child = std::get<Child>(started);
  forward_signals(child.pid);
  (void)std::signal(SIGPIPE, SIG_IGN);

  client::Asker asker;
  const auto ask_about = [&](const Envelope& envelope, std::string_view fields) {
    Question question = inherited;
    describe_transaction(question, fields, envelope, arguments_of(settings));
    return ask(settings, asker, question);
  };
  const int from = child.from.get();
  const int to = child.to.get();
  Dialogue dialogue(
      {[from](char* into, std::size_t room) { return read_caller(from, into, room); },
       [](std::string_view bytes) { return write_all(STDOUT_FILENO, bytes); },
       [from](char* into, std::size_t room) { return read_some(from, into, room).value_or(0); },
       [to](std::string_view bytes) { return write_all(to, bytes); }},
      batch, ask_about);
  const auto stopped = dialogue.run();
  child.to.reset();
  copy_until_end(from, STDOUT_FILENO);
  if (!stopped) end_like(child.pid);
  return refuse({EX_NOPERM, "MO0512: stopped: " + *stopped});
}

}  // namespace mailorigin::submit
