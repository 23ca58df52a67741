// Where something is defined in httpd's configuration, for messages.
#pragma once

#include <string>

namespace mailorigin::httpd {

struct Place {
  const char* file = "?";  // lives as long as the configuration
  unsigned line = 0;

  [[nodiscard]] std::string text() const { return std::string(file) + ':' + std::to_string(line); }
};

}  // namespace mailorigin::httpd
