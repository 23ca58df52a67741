// Where things are, and who runs them, unless somebody says otherwise; and the files
// that more than one part knows by name.
#pragma once

#include <string>

namespace mailorigin {

inline constexpr char default_runtime_directory[] = "/run/mailorigin";    // MailOriginRuntimeDir
inline constexpr char default_state_directory[] = "/var/lib/mailorigin";  // MailOriginStateDir
inline constexpr char default_user[] = "mailorigin";                      // MailOriginUser
inline constexpr char default_firewall_user[] = "mailorigin-firewall";    // MailOriginFirewallUser

inline constexpr char default_milter_user[] = "mailorigin-milter";  // MailOriginMilterUser
inline constexpr char default_mail_server_user[] = "postfix";
inline constexpr char default_mail_log[] = "/var/log/mail.log";  // MailOriginMailLog

// mailorigin-firewall's state directory stands beside mailorigind's.
inline std::string firewall_state_directory(const std::string& state_directory) {
  return state_directory + "-firewall";
}

// The policy that a service keeps for its next start.
inline std::string kept_policy(const std::string& state_directory) {
  return state_directory + "/policy";
}

// The store's database, unless MailOriginStore names another.
inline std::string default_store(const std::string& state_directory) {
  return state_directory + "/mail.db";
}

// The addresses that mailorigin-firewall keeps of names.
inline std::string kept_names(const std::string& state_directory) {
  return state_directory + "/names";
}

}  // namespace mailorigin
