#include "firewall/group_members.h"

#include <grp.h>
#include <pwd.h>

#include <cstdint>

namespace mailorigin::firewall {

std::vector<std::string> tenants_in_groups(const CompiledPolicy& policy) {
  std::vector<std::string> tenants;
  for (const std::uint32_t gid : policy.gids) {
    const group* found = getgrgid(gid);
    if (found == nullptr) continue;
    const std::string name = found->gr_name;
    std::vector<std::string> members;
    for (char** member = found->gr_mem; *member != nullptr; member++) members.emplace_back(*member);
    for (const std::string& member : members) {
      const passwd* user = getpwnam(member.c_str());
      const auto account =
          user != nullptr ? policy.accounts.find(user->pw_uid) : policy.accounts.end();
      if (account != policy.accounts.end() && account->second.may == 0) {
        tenants.push_back(member + " (" + name + ")");
      }
    }
  }
  return tenants;
}

}  // namespace mailorigin::firewall
