// The entries of a map of the kernel's, one after the other.
#pragma once

#include <cstddef>
#include <functional>

namespace mailorigin::firewall {

// Calls visit(key, value) for each entry of the map, once, with `key_size` and `value_size`
// bytes. Where entries are put in or taken out meanwhile, by visit() or by others, those may
// be visited or not, and every other one of a hash still is, once; a trie must stay as it is.
// Where `map` is none, nothing is visited. The kernel is asked for `at_once` entries a time.
void each_entry(int map, std::size_t key_size, std::size_t value_size,
                const std::function<void(const char* key, const char* value)>& visit,
                std::size_t at_once = 256);

}  // namespace mailorigin::firewall
