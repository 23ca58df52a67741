// A PHP extension as a tenant would bring one: native code in his own worker.
//
//   hostile_memory(string $wanted): int    how often the bytes occur in the memory
//                                          that this process can read; they are given
//                                          inverted, so that looking puts none there
//   hostile_ask(string $socket, string $packet): string|false
//                                          one packet to mailorigind, its answer
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/unix_socket.h"
#include "php.h"

namespace {

constexpr std::size_t piece_size = 1 << 20;
constexpr std::chrono::seconds patience{10};

// Reads what the kernel lets it read; pages without memory behind them end a piece.
std::size_t read_own_memory(std::uintptr_t from, std::size_t size, char* into) {
  iovec local{into, size};
  iovec remote{reinterpret_cast<void*>(from), size};
  const ssize_t length = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
  return length > 0 ? static_cast<std::size_t>(length) : 0;
}

std::size_t occurrences(std::string_view memory, std::string_view inverted) {
  std::size_t found = 0;
  const auto same = [](char plain, char wanted) {
    return static_cast<unsigned char>(plain) == (static_cast<unsigned char>(wanted) ^ 255U);
  };
  for (const char* at = memory.data();; at++) {
    at = std::search(at, memory.data() + memory.size(), inverted.begin(), inverted.end(), same);
    if (at == memory.data() + memory.size()) return found;
    found++;
  }
}

struct Range {
  std::uintptr_t begin;
  std::uintptr_t end;
};

std::vector<Range> readable_ranges() {
  std::vector<Range> ranges;
  const std::unique_ptr<FILE, int (*)(FILE*)> maps(std::fopen("/proc/self/maps", "re"),
                                                   std::fclose);
  char line[4096];
  while (maps && std::fgets(line, sizeof line, maps.get()) != nullptr) {
    Range range{};
    char access[5] = "";
    if (std::sscanf(line, "%lx-%lx %4s", &range.begin, &range.end, access) == 3 &&
        access[0] == 'r') {
      ranges.push_back(range);
    }
  }
  return ranges;
}

std::size_t occurrences_in_memory(std::string_view inverted) {
  std::size_t found = 0;
  // Outside of what is looked through: mapped after the ranges were read.
  const std::vector<Range> ranges = readable_ranges();
  std::vector<char> piece(piece_size + inverted.size() - 1);
  for (const Range& range : ranges) {
    for (std::uintptr_t at = range.begin; at < range.end; at += piece_size) {
      const std::size_t size = std::min<std::size_t>(range.end - at, piece.size());
      found += occurrences({piece.data(), read_own_memory(at, size, piece.data())}, inverted);
    }
  }
  return found;
}

std::string ask(const std::string& path, std::string_view packet) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  const auto connection = mailorigin::connect_unix(path, deadline);
  if (!connection) return {};
  fcntl(connection->get(), F_SETFL, 0);  // blocking
  const timeval longest{.tv_sec = patience.count(), .tv_usec = 0};
  setsockopt(connection->get(), SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest);
  if (send(connection->get(), packet.data(), packet.size(), MSG_NOSIGNAL) < 0) return {};
  std::string answer(65536, '\0');
  const ssize_t length = recv(connection->get(), answer.data(), answer.size(), 0);
  answer.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
  return answer;
}

ZEND_FUNCTION(hostile_memory) {
  zend_string* wanted = nullptr;
  if (zend_parse_parameters(ZEND_NUM_ARGS(), "S", &wanted) == FAILURE) return;
  RETURN_LONG(static_cast<zend_long>(occurrences_in_memory({ZSTR_VAL(wanted), ZSTR_LEN(wanted)})));
}

ZEND_FUNCTION(hostile_ask) {
  zend_string* path = nullptr;
  zend_string* packet = nullptr;
  if (zend_parse_parameters(ZEND_NUM_ARGS(), "SS", &path, &packet) == FAILURE) return;
  const std::string answer = ask(ZSTR_VAL(path), {ZSTR_VAL(packet), ZSTR_LEN(packet)});
  if (answer.empty()) RETURN_FALSE;
  RETURN_STRINGL(answer.data(), answer.size());
}

ZEND_BEGIN_ARG_INFO_EX(one_string, 0, 0, 1)
ZEND_ARG_INFO(0, wanted)
ZEND_END_ARG_INFO()

ZEND_BEGIN_ARG_INFO_EX(two_strings, 0, 0, 2)
ZEND_ARG_INFO(0, socket)
ZEND_ARG_INFO(0, packet)
ZEND_END_ARG_INFO()

// clang-format off
const zend_function_entry functions[] = {
  ZEND_FE(hostile_memory, one_string)
  ZEND_FE(hostile_ask, two_strings)
  ZEND_FE_END
};
// clang-format on

zend_module_entry hostile_module_entry = {STANDARD_MODULE_HEADER,
                                          "hostile",
                                          functions,
                                          nullptr,
                                          nullptr,
                                          nullptr,
                                          nullptr,
                                          nullptr,
                                          "1",
                                          STANDARD_MODULE_PROPERTIES};

}  // namespace

extern "C" {
__attribute__((visibility("default"))) zend_module_entry* get_module() {
  return &hostile_module_entry;
}
}
