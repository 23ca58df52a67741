#include "mailorigind/journal/stamp.h"

#include <unistd.h>

#include <array>

namespace mailorigin::daemon {

namespace {

std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

}  // namespace

Stamp::Stamp() : host_(host_name()) {}

const std::string& Stamp::put(Event& event, std::uint64_t wall_ms) {
  if (time_ms_ != wall_ms) {
    time_ms_ = wall_ms;
    time_text_ = rfc3339(time_ms_);
  }
  id_ = ids_.next(wall_ms).text();
  event.set(Field::time, time_text_);
  event.set(Field::id, id_);
  event.set(Field::host, host_);
  return id_;
}

}  // namespace mailorigin::daemon
