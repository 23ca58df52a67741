// Names and ids of virtual hosts. Knows no httpd.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "core/policy.h"
#include "mod_mailorigin/place.h"

namespace mailorigin::httpd {

struct VhostName {
  std::string name;  // ServerName:port, unique
  std::uint32_t id = 0;
  std::string warning;  // why it is not simply ServerName:port; empty if it is
};

class VhostNames {
 public:
  // `port` and `address` are those that the virtual host listens on; `place` is
  // for the warning.
  VhostName choose(std::string_view server_name, std::uint16_t port, std::string_view address,
                   Place place);

 private:
  // Nothing stands in the way: neither another host's name nor, by chance, its id.
  bool take(const VhostName& candidate, Place place);

  std::unordered_set<std::string> names_;
  std::unordered_map<std::uint32_t, Place> place_of_id_;
};

}  // namespace mailorigin::httpd
