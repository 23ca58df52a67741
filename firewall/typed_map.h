// TypedMap: a map of the kernel's whose keys and values have types.
#pragma once

#include <bpf/bpf.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/result.h"
#include "firewall/map_entries.h"

namespace mailorigin::firewall {

// Over a descriptor that somebody else keeps open.
template <class Key, class Value>
class TypedMap {
 public:
  // Fails where the map is of other sizes: it would be read and written beyond them.
  static Result<TypedMap> of(int fd, const std::string& name) {
    bpf_map_info info{};
    std::uint32_t size = sizeof info;
    if (bpf_obj_get_info_by_fd(fd, &info, &size) != 0) return system_error(name, errno);
    if (info.key_size != sizeof(Key) || info.value_size != sizeof(Value)) {
      return Error{"the map " + name + " has entries of another size"};
    }
    return TypedMap(fd, name);
  }

  [[nodiscard]] bool read(const Key& key, Value& value) const {
    return bpf_map_lookup_elem(fd_, &key, &value) == 0;
  }
  [[nodiscard]] std::optional<Value> find(const Key& key) const {
    Value value{};
    if (!read(key, value)) return std::nullopt;
    return value;
  }
  [[nodiscard]] bool has(const Key& key) const {
    const auto value = std::make_unique<Value>();
    return read(key, *value);
  }

  // `flags` as bpf_map_update_elem() takes them.
  [[nodiscard]] Status put(const Key& key, const Value& value,
                           std::uint64_t flags = BPF_ANY) const {
    if (bpf_map_update_elem(fd_, &key, &value, flags) == 0) return Done{};
    return system_error("the map " + name_, errno);
  }
  // False: there was none.
  bool erase(const Key& key) const { return bpf_map_delete_elem(fd_, &key) == 0; }

  // visit(key, value) for each entry, as each_entry() has it.
  void each(const std::function<void(const Key&, const Value&)>& visit) const {
    each_entry(fd_, sizeof(Key), sizeof(Value), [&](const char* key, const char* value) {
      Key a_key;
      Value a_value;
      std::memcpy(&a_key, key, sizeof a_key);
      std::memcpy(&a_value, value, sizeof a_value);
      visit(a_key, a_value);
    });
  }
  [[nodiscard]] std::vector<Key> keys() const {
    std::vector<Key> found;
    each([&](const Key& key, const Value&) { found.push_back(key); });
    return found;
  }

  [[nodiscard]] int fd() const { return fd_; }

 private:
  TypedMap(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}

  int fd_;
  std::string name_;
};

}  // namespace mailorigin::firewall
