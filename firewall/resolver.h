// Resolver: the addresses of names, asked for by threads of its own, because a name
// server may take its time: one may be a tenant's, and others are not to wait for it.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "firewall/compiled_policy.h"
#include "firewall/limits.h"

namespace mailorigin::firewall {

class Resolver {
 public:
  using Lookup = std::function<std::vector<IpAddress>(const std::string&)>;
  static std::vector<IpAddress> from_system(const std::string& name);  // getaddrinfo(3)

  // How long after an answer a name is asked for again, and after a failure.
  struct Pace {
    std::chrono::milliseconds refresh = refresh_interval;
    std::chrono::milliseconds retry = retry_interval;
  };

  Resolver() : Resolver(from_system, Pace{}) {}
  Resolver(Lookup lookup, Pace pace);
  ~Resolver();  // does not wait for a lookup that hangs
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // From now on these names; those that are new at once, with `known` as their last
  // addresses until they resolve. Others are forgotten.
  void watch(const std::set<std::string>& names, const NameAddresses& known);

  // Readable when a name was asked for once more, and after watch().
  [[nodiscard]] int fd() const;

  struct Round {
    NameAddresses found;           // a name that fails keeps its last addresses
    std::set<std::string> failed;  // when they were asked for last
    bool complete = true;          // every name was asked for at least once
  };
  Round take();

 private:
  struct Shared;  // with the threads, which may outlive this
  std::shared_ptr<Shared> shared_;
};

}  // namespace mailorigin::firewall
