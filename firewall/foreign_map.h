// ForeignMap: a map by process id that another version has pinned. Its values begin as
// ours do (kernel/maps.h), and may be shorter or longer.
#pragma once

#include <bpf/bpf.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/fd.h"
#include "firewall/map_entries.h"

namespace mailorigin::firewall {

template <class Value>
class ForeignMap {
 public:
  // Empty where there is none.
  static ForeignMap open(const std::string& version, const std::string& name) {
    ForeignMap map;
    map.fd_.reset(bpf_obj_get((version + "/" + name).c_str()));
    bpf_map_info info{};
    std::uint32_t size = sizeof info;
    if (!map.fd_ || bpf_obj_get_info_by_fd(map.fd_.get(), &info, &size) != 0 ||
        info.key_size != sizeof(std::uint32_t)) {
      map.fd_.reset();
      return map;
    }
    map.value_size_ = info.value_size;
    return map;
  }

  // visit(key, value) for each entry, as each_entry() has it.
  void each(const std::function<void(std::uint32_t, const Value&)>& visit) const {
    each_entry(fd_.get(), sizeof(std::uint32_t), value_size_,
               [&](const char* key, const char* value) {
                 std::uint32_t a_key = 0;
                 std::memcpy(&a_key, key, sizeof a_key);
                 visit(a_key, value_of(value));
               });
  }

  [[nodiscard]] std::optional<Value> find(std::uint32_t key) const {
    std::vector<char> bytes(value_size_);
    if (bpf_map_lookup_elem(fd_.get(), &key, bytes.data()) != 0) return std::nullopt;
    return value_of(bytes.data());
  }

 private:
  // What it lacks at its end is zero.
  [[nodiscard]] Value value_of(const char* bytes) const {
    Value value{};
    std::memcpy(&value, bytes, std::min(value_size_, sizeof value));
    return value;
  }

  Fd fd_;
  std::size_t value_size_ = 0;
};

}  // namespace mailorigin::firewall
