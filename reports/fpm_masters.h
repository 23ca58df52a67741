// The php-fpms that run here, and their pools.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mailorigin::reports {

struct FpmPool {
  std::string name;
  std::string listen;  // as it is configured
  std::string user;    // empty: not said
};

enum class Extension : std::uint8_t {
  missing,
  loaded,
  replaced,  // by a file that has been replaced since it was loaded
};

struct FpmMaster {
  std::string program;        // "php-fpm8.2"
  std::string configuration;  // its file
  Extension extension = Extension::missing;
  std::vector<FpmPool> pools;
};

// root's, and of this file system: not those of containers. By their configurations.
std::vector<FpmMaster> fpm_masters();

// The pools of a php-fpm.conf and of what it includes; what cannot be read has none.
std::vector<FpmPool> fpm_pools(const std::string& configuration);

// What the mappings of a process (/proc/PID/maps) say.
Extension extension_of(std::string_view maps);

}  // namespace mailorigin::reports
