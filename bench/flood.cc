// A tenant that hammers mailorigind with many processes, for neighbours.py.
//
//   bench_flood SOCKET UID PROCESSES SECONDS KIND
//
// KIND is what each process does, as fast as it can:
//
//   questions  asks over one connection
//   charsets   the same, with a From of sixty encoded words in rare charsets
//   threads    shows a context of its own on ever new connections; it has thousands of
//              threads, and there is one such process for fifty of PROCESSES
//   polled     asks over a connection that thousands of epoll instances watch; as few
//   connects   connects, and closes the connection again
//   own        the same, to a socket of its own that one of them accepts on: what the
//              machine alone does of it
//   spin       nothing but use the processor
//
// Prints how much of it there was, and how many questions were answered busy.
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/contained.h"
#include "bench/load.h"
#include "core/key.h"
#include "core/name_values.h"
#include "core/random.h"

namespace mailorigin::testing {

namespace {

constexpr unsigned processes_per_heavy = 50;
constexpr unsigned heavy_threads = 4000;
constexpr unsigned heavy_pollers = 4000;

struct Flood {
  std::string socket;
  uid_t uid;
  SealKey key;
  Board& board;
};

void* sleep_for_ever(void* /*unused*/) {
  for (;;) pause();
}

void start_threads(unsigned count) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 64 << 10);
  pthread_t thread;
  for (unsigned i = 0; i < count; i++) {
    if (pthread_create(&thread, &attributes, sleep_for_ever, nullptr) != 0) break;
  }
}

int questions(const Flood& flood, Samples& samples) {
  // No context that counts: what it says about itself is enough to ask.
  return ask_all_along(flood.socket, make_question(0, SealKey::generate()), {}, flood.board,
                       samples);
}

int charsets(const Flood& flood, Samples& samples) {
  Question question = make_question(0, SealKey::generate());
  std::string from;
  for (int i = 0; i < 60; i++) from += "=?IBM" + std::to_string(1390 + i % 10) + "?q?a?= ";
  question.claims.set(Field::from, from + "<noreply@example.org>");
  return ask_all_along(flood.socket, question, {}, flood.board, samples);
}

int threads(const Flood& flood, Samples& samples) {
  start_threads(heavy_threads);
  Question question = make_question(0, flood.key);
  std::vector<char> answer(4096);
  while (!flood.board.go) usleep(1000);
  while (!flood.board.stop) {
    Context context;
    context.tag.uid = flood.uid;
    context.tag.boottime_ns = boottime_now_ns();
    random_bytes(context.tag.request_id.bytes.data(), context.tag.request_id.bytes.size());
    question.context = seal(context, flood.key);
    random_bytes(question.nonce.data(), question.nonce.size());
    const auto connected = connect_unix(flood.socket, Clock::now() + patience);
    if (!connected) return 1;
    Packet packet;
    if (!send_packet(connected->get(), encode_question(question), Clock::now() + patience))
      continue;
    if (receive_packet(connected->get(), packet, packet_limit, Clock::now() + patience) !=
        Received::packet) {
      continue;
    }
    samples.asked++;
    if (packet.bytes.find("busy") != std::string_view::npos) samples.refused++;
  }
  return 0;
}

int polled(const Flood& flood, Samples& samples) {
  const rlimit limit{heavy_pollers + 100, heavy_pollers + 100};
  setrlimit(RLIMIT_NOFILE, &limit);
  std::vector<Fd> pollers;
  for (unsigned i = 0; i < heavy_pollers; i++) pollers.emplace_back(epoll_create1(0));
  Question question = make_question(0, SealKey::generate());
  const auto connected = connect_unix(flood.socket, Clock::now() + patience);
  if (!connected) return 1;
  epoll_event event{.events = EPOLLIN, .data = {.fd = 0}};
  for (const Fd& poller : pollers) {
    epoll_ctl(poller.get(), EPOLL_CTL_ADD, connected->get(), &event);
  }
  while (!flood.board.go) usleep(1000);
  while (!flood.board.stop) {
    Packet packet;
    random_bytes(question.nonce.data(), question.nonce.size());
    if (!send_packet(connected->get(), encode_question(question), Clock::now() + patience) ||
        receive_packet(connected->get(), packet, packet_limit, Clock::now() + patience) !=
            Received::packet) {
      return 2;
    }
    samples.asked++;
    if (packet.bytes.find("busy") != std::string_view::npos) samples.refused++;
  }
  return 0;
}

int connects(const Flood& flood, Samples& samples) {
  while (!flood.board.go) usleep(1000);
  while (!flood.board.stop) {
    if (connect_unix(flood.socket, Clock::now() + patience)) samples.asked++;
  }
  return 0;
}

// Whichever is the first to have the name accepts, the others connect.
int own(const Flood& flood, Samples& samples) {
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  std::ranges::copy("/tmp/flood", address.sun_path);  // in a /tmp that this flood alone has
  const auto* const place = reinterpret_cast<const sockaddr*>(&address);
  const auto size = static_cast<socklen_t>(sizeof address);
  Fd listener(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (bind(listener.get(), place, size) == 0) {
    const timeval wait{.tv_sec = 0, .tv_usec = 100'000};  // to see `stop` with nobody connecting
    setsockopt(listener.get(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    if (listen(listener.get(), SOMAXCONN) != 0) return 1;
    while (!flood.board.stop) Fd(accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    return 0;
  }
  while (!flood.board.go) usleep(1000);
  while (!flood.board.stop) {
    const Fd client(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    const timeval wait{.tv_sec = 0, .tv_usec = 100'000};
    setsockopt(client.get(), SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    if (connect(client.get(), place, size) == 0) samples.asked++;
  }
  return 0;
}

int spin(const Flood& flood, Samples& /*unused*/) {
  while (!flood.board.go) usleep(1000);
  while (!flood.board.stop) {
  }
  return 0;
}

struct Kind {
  int (*work)(const Flood& flood, Samples& samples);
  unsigned divisor;  // of the number of processes
};

const std::map<std::string, Kind> kinds = {{"questions", {questions, 1}},
                                           {"charsets", {charsets, 1}},
                                           {"connects", {connects, 1}},
                                           {"own", {own, 1}},
                                           {"threads", {threads, processes_per_heavy}},
                                           {"spin", {spin, 1}},
                                           {"polled", {polled, processes_per_heavy}}};

int run(const std::string& socket, uid_t uid, unsigned processes, unsigned seconds,
        const Kind& kind) {
  processes = std::max(processes / kind.divisor, 1U);
  auto* const board = shared<Board>(1);
  auto* const samples = shared<Samples>(processes);
  const std::string runtime_directory = socket.substr(0, socket.rfind('/'));
  const auto boot = boot_id();
  const auto key = boot ? load_key(runtime_directory + "/key", *boot) : boot.error();
  const Flood flood{socket, uid, key && *key ? **key : SealKey::generate(), *board};
  std::vector<pid_t> children;
  for (unsigned i = 0; i < processes; i++) {
    children.push_back(run_as(uid, [&] { return kind.work(flood, samples[i]); }));
  }
  board->go = true;
  std::this_thread::sleep_for(std::chrono::seconds(seconds));
  board->stop = true;
  std::uint64_t asked = 0;
  std::uint64_t refused = 0;
  int failed = 0;
  for (unsigned i = 0; i < processes; i++) {
    failed += exit_status(children[i]) != 0 ? 1 : 0;
    asked += samples[i].asked;
    refused += samples[i].refused;
  }
  std::printf("%llu %llu\n", static_cast<unsigned long long>(asked),
              static_cast<unsigned long long>(refused));
  return failed == 0 ? 0 : 1;
}

}  // namespace

}  // namespace mailorigin::testing

int main(int count, char* arguments[]) {
  using mailorigin::parse_number;
  using mailorigin::testing::kinds;
  const auto uid = count == 6 ? parse_number(arguments[2], UINT32_MAX - 1) : std::nullopt;
  const auto processes = count == 6 ? parse_number(arguments[3], 1000) : std::nullopt;
  const auto seconds = count == 6 ? parse_number(arguments[4], 3600) : std::nullopt;
  const auto kind = count == 6 ? kinds.find(arguments[5]) : kinds.end();
  if (!uid || !processes || !seconds || kind == kinds.end()) {
    std::fprintf(stderr, "usage: bench_flood SOCKET UID PROCESSES SECONDS KIND\n");
    return 2;
  }
  return mailorigin::testing::contained([&] {
    return mailorigin::testing::run(arguments[1], static_cast<uid_t>(*uid),
                                    static_cast<unsigned>(*processes),
                                    static_cast<unsigned>(*seconds), kind->second);
  });
}
