// The sockets in httpd's runtime directory (MailOriginRuntimeDir).
#pragma once

#include <string>

namespace mailorigin {

inline constexpr char default_runtime_directory[] = "/run/mailorigin";

// Where programs that send mail ask mailorigind, unless MailOriginSocket names others.
inline std::string question_socket(const std::string& runtime_directory) {
  return runtime_directory + "/mailorigin.sock";
}

// Where root talks to mailorigind.
inline std::string control_socket(const std::string& runtime_directory) {
  return runtime_directory + "/control.sock";
}

// Where root and mailorigind talk to mailorigin-firewall.
inline std::string firewall_socket(const std::string& runtime_directory) {
  return runtime_directory + "/firewall.sock";
}

}  // namespace mailorigin
