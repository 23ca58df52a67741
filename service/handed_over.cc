#include "service/handed_over.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "core/name_values.h"

namespace mailorigin::service {

namespace {

constexpr int first_descriptor = 3;
constexpr std::uint64_t descriptors_limit = 64;

std::string_view environment(const char* name) {
  const char* value = getenv(name);
  return value == nullptr ? std::string_view() : value;
}

}  // namespace

Result<std::vector<HandedOver>> take_handed_over() {
  const std::string pid(environment("LISTEN_PID"));
  const std::string count_text(environment("LISTEN_FDS"));
  const std::string names_text(environment("LISTEN_FDNAMES"));
  unsetenv("LISTEN_PID");
  unsetenv("LISTEN_FDS");
  unsetenv("LISTEN_FDNAMES");

  std::vector<HandedOver> all;
  const auto count = parse_number(count_text, descriptors_limit);
  if (pid != std::to_string(getpid()) || !count) return all;
  std::string_view names = names_text;
  for (int i = 0; i < static_cast<int>(*count); i++) {
    const std::size_t length = std::min(names.find(':'), names.size());
    HandedOver one{std::string(names.substr(0, length)), Fd(first_descriptor + i)};
    names.remove_prefix(std::min(length + 1, names.size()));
    const int flags = fcntl(one.fd.get(), F_GETFL);
    if (flags < 0 || fcntl(one.fd.get(), F_SETFD, FD_CLOEXEC) != 0 ||
        fcntl(one.fd.get(), F_SETFL, flags | O_NONBLOCK) != 0) {
      return system_error("the descriptor named " + one.name, errno);
    }
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace mailorigin::service
