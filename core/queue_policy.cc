#include "core/queue_policy.h"

#include <cstdint>

#include "core/name_values.h"

namespace mailorigin {

namespace {

bool read_flag(std::string_view value, bool& flag) {
  flag = value == "1";
  return value == "0" || value == "1";
}

}  // namespace

std::string encode_queue_policy(const QueuePolicy& policy) {
  std::string out;
  NameValueWriter writer(out);
  writer.add("milter", std::uint64_t{policy.milter});
  writer.add("exim", std::uint64_t{policy.exim});
  return out;
}

bool read_queue_policy(std::string_view bytes, QueuePolicy& policy) {
  return static_cast<bool>(each_pair("queue", bytes, [&](auto name, auto value) {
    if (name == "milter") return read_flag(value, policy.milter);
    return name == "exim" && read_flag(value, policy.exim);
  }));
}

}  // namespace mailorigin
