#include "reports/accounts.h"

#include <grp.h>
#include <pwd.h>

namespace mailorigin::reports {

std::string user_text(std::uint32_t uid) {
  const passwd* const user = getpwuid(uid);
  return user != nullptr ? user->pw_name : "#" + std::to_string(uid);
}

std::string user_of(const VhostPolicy& vhost) {
  if (!vhost.user.empty()) return vhost.user;
  return vhost.run_as ? user_text(*vhost.run_as) : "";
}

std::string group_text(std::uint32_t gid) {
  const group* const found = getgrgid(gid);
  return found != nullptr ? found->gr_name : "#" + std::to_string(gid);
}

}  // namespace mailorigin::reports
