#include "firewall/map_entries.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <vector>

namespace mailorigin::firewall {

// bpf_map_get_next_key() would begin anew where the key before it has gone. A batch ends
// between two of the map's buckets, which stay.
void each_entry(int map, std::size_t key_size, std::size_t value_size,
                const std::function<void(const char* key, const char* value)>& visit,
                std::size_t at_once) {
  std::vector<char> position(std::max(key_size, sizeof(std::uint32_t)));
  std::vector<char> keys;
  std::vector<char> values;
  bool begun = false;
  for (int fault = 0; fault != ENOENT;) {
    keys.resize(at_once * key_size);
    values.resize(at_once * value_size);
    auto count = static_cast<std::uint32_t>(at_once);
    const int done = bpf_map_lookup_batch(map, begun ? position.data() : nullptr, position.data(),
                                          keys.data(), values.data(), &count, nullptr);
    fault = done == 0 ? 0 : errno;
    if (fault == ENOSPC) {  // for the next bucket alone
      at_once *= 2;
      continue;
    }
    if (fault != 0 && fault != ENOENT) return;
    begun = true;
    for (std::size_t i = 0; i < count; i++) {
      visit(keys.data() + i * key_size, values.data() + i * value_size);
    }
  }
}

}  // namespace mailorigin::firewall
