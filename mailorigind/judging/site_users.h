// SiteUsers: which sites a process may be that shows no context, by its uid.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "core/policy.h"

namespace mailorigin::daemon {

class SiteUsers {
 public:
  SiteUsers() = default;
  explicit SiteUsers(const Policy& policy);

  // Whether it may be this site's: one of its virtual hosts runs as the uid; or the uid is
  // httpd's own, behind which each may be; or it is nobody's, and one of its virtual hosts may
  // run as anybody. Root, the mail servers and who else is named as trusted are no site's, and
  // of an unknown uid nothing is known.
  [[nodiscard]] bool may_be(std::string_view site, uid_t uid) const;

  // Whether its uid is other sites' as well, or may be.
  [[nodiscard]] bool shares_its_user(const VhostPolicy& vhost) const;

 private:
  struct Site {
    std::unordered_set<uid_t> uids;
    bool of_anybody = false;
  };
  std::unordered_map<std::string, Site> sites_;
  std::unordered_map<uid_t, std::unordered_set<std::string>> sites_of_;
  std::unordered_set<uid_t> somebodys_;  // who runs a site, or is known to run none
  std::optional<uid_t> httpd_;
};

}  // namespace mailorigin::daemon
