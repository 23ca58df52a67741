// Resolver: the addresses of names, asked for by a thread of its own, because a
// name server may take its time.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "firewall/compiled_policy.h"

namespace mailorigin {

class Resolver {
 public:
  using Lookup = std::function<std::vector<IpAddress>(const std::string&)>;
  static std::vector<IpAddress> from_system(const std::string& name);  // getaddrinfo(3)

  explicit Resolver(Lookup lookup = from_system);
  ~Resolver();  // does not wait for a lookup that hangs
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // From now on these names: at once, and again every refresh_interval.
  void watch(const std::set<std::string>& names);

  // Readable when every name was asked for once more.
  [[nodiscard]] int fd() const;

  struct Round {
    NameAddresses found;           // a name that fails keeps its last addresses
    std::set<std::string> failed;  // of this round
  };
  Round take();

 private:
  struct Shared;  // with the thread, which may outlive this
  std::shared_ptr<Shared> shared_;
};

}  // namespace mailorigin
