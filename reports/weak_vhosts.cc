#include "reports/weak_vhosts.h"

#include <map>
#include <set>
#include <utility>

#include "reports/accounts.h"

namespace mailorigin::reports {

namespace {

struct User {
  std::vector<std::string> vhosts;
  std::set<std::string> sites;
};

}  // namespace

std::vector<Weakness> find_weaknesses(const Policy& policy,
                                      std::optional<std::uint32_t> httpd_uid) {
  Weakness unknown{
      "no-run-as",
      "httpd does not know which user their PHP runs as: a context of theirs holds for "
      "a process of any user",
      "MailOriginRunAs user, unless their PHP runs inside httpd",
      {}};
  Weakness without_owner{
      "no-owner",
      "MailOriginRunAs owner says nobody, for the way to their DocumentRoot is not its owner's "
      "alone (`mailorigin policy VHOST` says why): a context of theirs holds for a process of any "
      "user",
      "mend that, or MailOriginRunAs user, and apachectl graceful",
      {}};
  std::map<std::uint32_t, User> users;
  for (const VhostPolicy& vhost : policy.vhosts) {
    if (!vhost.enabled) continue;
    if (!vhost.run_as) {
      (vhost.run_as_fault.empty() ? unknown : without_owner).vhosts.push_back(vhost.name);
      continue;
    }
    User& user = users[*vhost.run_as];
    user.vhosts.push_back(vhost.name);
    user.sites.insert(vhost.site);
  }

  std::vector<Weakness> found;
  for (auto& [uid, user] : users) {
    if (uid == 0) {
      found.push_back({"root", "their PHP runs as root: their scripts can read the key",
                       "a user of its own for each site", std::move(user.vhosts)});
    } else if (uid == httpd_uid) {
      found.push_back({"httpd-user",
                       "their PHP runs as httpd's own User (" + user_text(uid) +
                           "), whose processes hold the key",
                       "a user of its own for each site", std::move(user.vhosts)});
    } else if (user.sites.size() > 1) {
      found.push_back({"shared-uid",
                       "they share the user " + user_text(uid) +
                           ": contexts tell them apart, but one may replay another's",
                       "a user of its own for each site", std::move(user.vhosts)});
    }
  }
  for (Weakness* const each : {&unknown, &without_owner}) {
    if (!each->vhosts.empty()) found.push_back(std::move(*each));
  }
  return found;
}

}  // namespace mailorigin::reports
