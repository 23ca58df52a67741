// The policy in force: with its formats and expressions parsed, and its logs'
// descriptors.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/fd.h"
#include "core/format.h"
#include "core/pattern.h"
#include "core/policy.h"
#include "mailorigind/judging/site_users.h"

namespace mailorigin::daemon {

// Immutable and shared between the threads; the descriptors are closed when the
// last of them has let go.
class ActivePolicy {
 public:
  struct Header {
    std::string name;
    const Format* format;
  };
  struct Route {
    std::uint32_t target;
    const Format* format;
  };
  struct Script {
    const Pattern* pattern;
    Rule action;
  };
  struct Rules {
    std::vector<Header> headers;
    std::vector<Route> logs;
    std::vector<Script> denied_scripts;
  };

  // The policy has been decoded: its formats parse. All that follows from it alone is made here,
  // by whichever thread: of ten thousand virtual hosts it takes tens of milliseconds.
  explicit ActivePolicy(Policy policy, std::vector<Fd> descriptors = {});
  ActivePolicy(const ActivePolicy&) = delete;
  ActivePolicy& operator=(const ActivePolicy&) = delete;

  // Before it is shared. One for each file and pipe among the targets, in their order, or none at
  // all: a policy of an earlier run, whose logs httpd has still to hand over.
  void take(std::vector<Fd> descriptors);

  // How many descriptors such a policy needs.
  static std::size_t descriptors_needed(const Policy& policy);

  [[nodiscard]] const Policy& policy() const { return policy_; }
  [[nodiscard]] const SiteUsers& users() const { return users_; }
  // `vhost` is one of policy()'s.
  [[nodiscard]] const Rules& rules(const VhostPolicy& vhost) const;
  // The server's for a vhost that is not configured any more; those of
  // Policy::refused_log for refused_connections.
  [[nodiscard]] const Rules& rules(std::uint32_t vhost_id) const;
  // Of all header fields that MailOriginHeader adds for somebody, each once, at most
  // header_names_kept.
  [[nodiscard]] const std::vector<std::string>& header_names() const { return header_names_; }
  // -1 where there is none (yet).
  [[nodiscard]] int descriptor(std::size_t target) const { return by_target_[target]; }

 private:
  Rules compile(const VhostPolicy& vhost);
  const Format* format(const FormatChoice& choice);

  Policy policy_;
  SiteUsers users_;
  std::vector<Fd> descriptors_;
  std::vector<int> by_target_;
  const Pattern* pattern(const std::string& text);

  // Each text once.
  std::map<std::pair<bool, std::string>, Format> formats_;
  std::map<std::string, Pattern> patterns_;  // for the answering thread
  std::vector<std::string> header_names_;
  Rules server_;
  Rules refused_;
  std::vector<Rules> vhosts_;
};

}  // namespace mailorigin::daemon
