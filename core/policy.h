// The policy: what httpd.conf says about mail, as the daemon receives it.
//
// httpd builds it at configuration time and pushes it whole; the daemon
// replaces the old one in one step. Log targets travel as descriptors beside it,
// in the order of `targets`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/limit_rule.h"
#include "core/queue_policy.h"
#include "core/result.h"
#include "core/rule.h"
#include "core/smtp_policy.h"

namespace mailorigin {

struct LogTarget {
  enum class Kind : std::uint8_t { file, pipe, syslog };
  Kind kind = Kind::file;
  std::string name;  // absolute path, "|command", or the syslog facility's name
  bool operator==(const LogTarget&) const = default;
};

// How a line is written: a predefined format's name, or a format's text.
struct FormatChoice {
  bool predefined = true;
  std::string text = "logfmt";
  bool operator==(const FormatChoice&) const = default;
};

struct LogRoute {
  std::uint32_t target = 0;  // index into Policy::targets
  FormatChoice format;
};

// What MailOriginHeader On means.
inline constexpr char default_header_name[] = "X-Mail-Origin";

struct HeaderRule {
  std::string name;
  std::string format;
};

// One expression of a MailOriginDenyScript; see Pattern.
struct ScriptRule {
  std::string expression;
  Rule action = Rule::deny;
  bool operator==(const ScriptRule&) const = default;
};

// MailOriginMaxRecipients, of one message.
struct RecipientsRule {
  std::uint64_t most = 0;
  Rule action = Rule::deny;
  bool operator==(const RecipientsRule&) const = default;
};

// MailOriginSender.
struct SenderRule {
  std::vector<std::string> domains;  // lower case; empty: any
  Rule action = Rule::deny;
  bool operator==(const SenderRule&) const = default;
};

// MailOriginStore, MailOriginRetain.
struct StorePolicy {
  bool enabled = true;
  std::string driver = "sqlite3";  // apr_dbd's
  std::string params;              // empty: default_store() of the daemon's state directory
  std::uint64_t retained_days = 30;
  bool operator==(const StorePolicy&) const = default;
};
inline constexpr std::uint64_t retained_days_limit = 3650;

// One <VirtualHost>, or the server's own settings (Policy::server).
struct VhostPolicy {
  std::uint32_t id = 0;  // as in ContextTag::vhost_id; 0 is the server
  std::string name;      // ServerName:port
  std::string site;      // ServerName, lower case: one site is all its ports; see index()
  std::vector<std::string> aliases;  // ServerAlias, lower case, wildcards as they are written
  std::string place;  // "file:line" of its <VirtualHost>; empty: it has none, or is not known
  std::string docroot;
  std::string real_docroot;  // without symbolic links, where it has any and run_as is known
  bool enabled = true;       // MailOrigin
  bool strict = true;        // MailOriginStrict: httpd's to enforce, here to be shown
  std::optional<std::uint32_t> run_as;  // MailOriginRunAs, or suexec's uid
  std::string user;  // whom MailOriginRunAs names; run_as is the uid that httpd found, if any
  std::string run_as_fault;           // why MailOriginRunAs owner is nobody; empty: it is not so
  std::vector<std::string> sections;  // the <MailOriginSite>s that have their say in it
  std::vector<LogRoute> logs;
  std::vector<HeaderRule> headers;
  std::vector<std::string> access_logs;  // CustomLog's files: httpd's to write, here to be found

  Rule send = Rule::allow;                       // MailOriginSend
  std::vector<ScriptRule> denied_scripts;        // MailOriginDenyScript
  std::vector<LimitRule> limits;                 // MailOriginLimit
  std::optional<RecipientsRule> max_recipients;  // MailOriginMaxRecipients
  SenderRule sender;                             // MailOriginSender
  SmtpPolicy smtp;

  [[nodiscard]] bool may_hold() const;  // some rule does
};

// In place of a vhost's id: the events that Policy::refused_log gets.
inline constexpr std::uint32_t refused_connections = UINT32_MAX;

class Policy {
 public:
  std::string instance;  // names the httpd: its pid file
  std::vector<LogTarget> targets;
  VhostPolicy server;
  Rule unverified = Rule::allow;  // MailOriginUnverified
  FirewallPolicy firewall;
  QueuePolicy queue;
  StorePolicy store;
  std::optional<LogRoute> refused_log;  // besides the vhost's: each refused connection
  std::vector<VhostPolicy> vhosts;

  // Builds the indexes below; call after filling the members. decode() did. A vhost
  // without a site is one of its own, by its name.
  void index();

  // Null if there is none (any more).
  [[nodiscard]] const VhostPolicy* by_id(std::uint32_t id) const;
  // Whose ServerName, `ServerName:port`, ServerAlias or wildcard of one that is, in this order and
  // in any case of letters; of several the configuration's first. Null: nobody's.
  [[nodiscard]] const VhostPolicy* called(std::string_view name) const;
  // To whom a process of `uid` without a context belongs: the vhost whose docroot
  // holds `path` most closely, by either of its names (absolute; what is no such path is in none),
  // else the configuration's first that runs as the uid. Null if none does.
  [[nodiscard]] const VhostPolicy* owner(std::uint32_t uid, std::string_view path) const;
  // The other vhosts of the same site, its other ports, that run as the same uid.
  [[nodiscard]] std::vector<const VhostPolicy*> other_ports(const VhostPolicy& vhost) const;

  [[nodiscard]] bool has_limits() const;  // any MailOriginLimit at all
  // The server and the vhosts of which some rule holds mail.
  [[nodiscard]] std::vector<const VhostPolicy*> that_may_hold() const;

  [[nodiscard]] std::string encode() const;
  // Fails on unknown or malformed pairs, on a route to a target that is not
  // there and on formats that do not parse; the error names the vhost.
  static Result<Policy> decode(std::string_view bytes);

 private:
  // The first vhost that runs as a uid, and the first with a docroot and a site.
  struct Uid {
    std::size_t first = 0;
    std::unordered_map<std::string, std::size_t> by_docroot;
    std::unordered_map<std::string, std::vector<std::size_t>> by_site;
  };

  std::unordered_map<std::uint32_t, std::size_t> by_id_;
  std::unordered_map<std::uint32_t, Uid> by_uid_;
};

// A vhost's id: a hash of its name, so that a context sealed before a graceful
// restart still finds its vhost after one. Neither 0 nor refused_connections. The configuration
// makes names unique and reports the (unlikely) two names with one id.
std::uint32_t vhost_id(std::string_view name);

}  // namespace mailorigin
