// What `mailorigin investigate` reads: files that are packed or not, logs and scripts of any bytes.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "investigating/clamd.h"
#include "investigating/code_signs.h"
#include "investigating/logins.h"
#include "investigating/package.h"
#include "investigating/requests.h"
#include "tracing/lines.h"

namespace {

using namespace mailorigin;

constexpr std::size_t unpacked_limit = 8 << 20;  // bytes: a bomb takes time

void check(bool is_so) {
  if (!is_so) std::abort();
}

// As the lines of a file.
void read_file_of(std::string_view bytes) {
  static const int file = memfd_create("fuzz_log", MFD_CLOEXEC);
  static const std::string path = "/proc/self/fd/" + std::to_string(file);
  check(ftruncate(file, 0) == 0);
  check(pwrite(file, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
  const auto lines = tracing::Lines::open(path);
  if (!lines) return;
  std::size_t read = 0;
  for (std::string_view line; read < unpacked_limit && (*lines)->next(line);) {
    check(line.size() <= tracing::line_limit && line.find('\n') == std::string_view::npos);
    read += line.size() + 1;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace investigating;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  read_file_of(input);

  RequestSearch requests({"/up/x.php", "/a b\xc3\xa4.php", "/up/x.php"});
  requests.add(input);
  RequestSearch plain({"/up/x.php", "/y.php"});
  plain.add(input);
  std::uint64_t clients = 0;
  const Requests found = plain.take();
  for (const auto& [address, count] : found.clients) clients += count;
  check(clients == found.count);

  constexpr std::uint64_t noon_ms = 1'795'262'400'000;
  LoginSearch logins({"/srv/shop/up/x.php", "shop", {noon_ms, noon_ms, 0}});
  logins.add("/var/log/xferlog", input, noon_ms / 1000);
  check(logins.take().size() <= 100);

  // A script has the same signs in any pieces.
  CodeSigns whole, pieces;
  whole.add(input);
  whole.finish();
  const std::size_t half = size / 2;
  pieces.add(input.substr(0, half));
  pieces.add(input.substr(half));
  pieces.finish();
  check(whole.words() == pieces.words() && whole.is_code() == pieces.is_code());

  (void)clamd_verdict(input);
  (void)clamd_in(input);
  (void)package_in(input, "/srv/x");
  return 0;
}
