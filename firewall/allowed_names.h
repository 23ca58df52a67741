// AllowedNames: the names in MailOriginSmtpAllow and of relays, with their addresses:
// asked for again and again, and kept for the next start.
#pragma once

#include <set>
#include <string>

#include "firewall/compiled_policy.h"
#include "firewall/resolver.h"
#include "service/notice_board.h"

namespace mailorigin::firewall {

class AllowedNames {
 public:
  // `notices` must outlive it.
  AllowedNames(std::string state_directory, service::NoticeBoard& notices);

  // Has the addresses that were kept.
  void load();
  // From now on these names; the addresses of others are dropped.
  void watch(const std::set<std::string>& names);
  // None any more, and nothing is kept.
  void forget();

  // Readable when take() has something to tell.
  [[nodiscard]] int fd() const { return resolver_.fd(); }
  struct News {
    bool changed = false;   // addresses()
    bool complete = false;  // every name was asked for at least once
  };
  News take();

  [[nodiscard]] const NameAddresses& addresses() const { return addresses_; }
  [[nodiscard]] const std::set<std::string>& failed() const { return failed_; }

 private:
  void keep();

  std::string state_directory_;
  service::NoticeBoard& notices_;
  Resolver resolver_;
  NameAddresses addresses_;
  std::set<std::string> failed_;
};

}  // namespace mailorigin::firewall
