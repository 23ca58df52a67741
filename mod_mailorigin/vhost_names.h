// Names and ids of virtual hosts. Knows no httpd.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

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
  // `port` and `address` are those that the virtual host listens on, the address for those that
  // are not told apart without it; `place` is for the warning.
  VhostName choose(std::string_view server_name, std::uint16_t port,
                   const std::function<std::string()>& address, Place place);

 private:
  std::unordered_map<std::uint32_t, Place> place_of_id_;
};

}  // namespace mailorigin::httpd
