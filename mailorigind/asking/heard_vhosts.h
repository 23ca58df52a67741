// HeardVhosts: of which virtual hosts PHP shows itself, against the requests that
// httpd counts. Where httpd counts and nobody is heard, PHP runs without our extension.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/key.h"
#include "core/policy.h"
#include "core/request_counts.h"

namespace mailorigin::daemon {

class HeardVhosts {
 public:
  void use(const KeyRing& keys) { keys_ = keys; }
  void use(std::shared_ptr<const Policy> policy, std::optional<RequestCounts> counts,
           std::uint64_t now_ns);

  // A process of `uid` has shown a context on its connection. Times are CLOCK_BOOTTIME's.
  void hello(std::uint64_t connection, std::string_view context, uid_t uid, std::uint64_t now_ns);
  // `by_process`: it has ended, or has closed it; else it was closed for want of room,
  // and the process needs a moment to find out.
  void closed(std::uint64_t connection, bool by_process, std::uint64_t now_ns);

  struct Silent {
    std::string vhost;
    std::uint64_t requests;  // since somebody was heard
  };
  // Those of which requests have run since the last process that was heard had gone.
  [[nodiscard]] std::vector<Silent> silent() const;

  struct OtherUser {
    std::string vhost;
    uid_t uid;  // its PHP's, which is not MailOriginRunAs
  };
  // Those of which no context has ever come from the right user.
  [[nodiscard]] std::vector<OtherUser> of_other_users() const;

 private:
  // What is known of one that somebody was heard of.
  struct Heard {
    std::optional<std::uint32_t> run_as;
    std::size_t connections = 0;  // over which it is heard
    std::uint64_t heard_ns = 0;   // until then it was
    std::uint64_t counted = 0;    // requests, up to then
    bool held = false;            // a context of it has come from the right user
    std::optional<uid_t> other_user;
  };
  Heard& heard_of(const VhostPolicy& host);
  [[nodiscard]] RequestCount count_of(std::uint32_t vhost) const;
  void mark(Heard& heard, std::uint32_t id, std::uint64_t until_ns);

  std::optional<KeyRing> keys_;
  std::shared_ptr<const Policy> policy_;  // null until there is one
  std::optional<RequestCounts> counts_;
  std::unordered_map<std::uint32_t, std::size_t> places_;  // of virtual hosts in counts_
  std::unordered_map<std::uint32_t, Heard> heard_;
  std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> connections_;
};

}  // namespace mailorigin::daemon
