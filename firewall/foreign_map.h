// ForeignMap: a map by process id that another version has pinned. Its values begin as
// ours do (kernel/maps.h), and may be shorter or longer.
#pragma once

#include <bpf/bpf.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "core/fd.h"

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
    map.entries_limit_ = info.max_entries;
    return map;
  }

  [[nodiscard]] std::vector<std::uint32_t> keys() const {
    std::vector<std::uint32_t> found;
    std::uint32_t next = 0;
    int more = bpf_map_get_next_key(fd_.get(), nullptr, &next);
    while (more == 0 && found.size() < entries_limit_) {
      found.push_back(next);
      more = bpf_map_get_next_key(fd_.get(), &found.back(), &next);
    }
    return found;
  }

  // What it lacks at its end is zero.
  [[nodiscard]] std::optional<Value> find(std::uint32_t key) const {
    std::vector<char> bytes(value_size_);
    if (bpf_map_lookup_elem(fd_.get(), &key, bytes.data()) != 0) return std::nullopt;
    Value value{};
    std::memcpy(&value, bytes.data(), std::min(bytes.size(), sizeof value));
    return value;
  }

 private:
  Fd fd_;
  std::size_t value_size_ = 0;
  std::size_t entries_limit_ = 0;
};

}  // namespace mailorigin::firewall
