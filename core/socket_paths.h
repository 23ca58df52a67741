// The sockets in httpd's runtime directory (MailOriginRuntimeDir).
#pragma once

#include <string>

namespace mailorigin {

// Where programs that send mail ask mailorigind, unless MailOriginSocket names others.
inline std::string question_socket(const std::string& runtime_directory) {
  return runtime_directory + "/mailorigin.sock";
}

// That of the default runtime directory.
inline constexpr char default_question_socket[] = "/run/mailorigin/mailorigin.sock";

// Where root talks to mailorigind.
inline std::string control_socket(const std::string& runtime_directory) {
  return runtime_directory + "/control.sock";
}

// Where root and mailorigind talk to mailorigin-firewall.
inline std::string firewall_socket(const std::string& runtime_directory) {
  return runtime_directory + "/firewall.sock";
}

}  // namespace mailorigin
