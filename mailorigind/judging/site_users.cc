#include "mailorigind/judging/site_users.h"

#include "core/unix_socket.h"

namespace mailorigin::daemon {

SiteUsers::SiteUsers(const Policy& policy) : httpd_(policy.firewall.httpd_uid) {
  for (const VhostPolicy& vhost : policy.vhosts) {
    Site& site = sites_[vhost.site];
    if (vhost.run_as) {
      site.uids.insert(*vhost.run_as);
      somebodys_.insert(*vhost.run_as);
      sites_of_[*vhost.run_as].insert(vhost.site);
    } else {
      site.of_anybody = true;
    }
  }
  const QueuePolicy& queue = policy.queue;
  somebodys_.insert(policy.firewall.uids.begin(), policy.firewall.uids.end());
  somebodys_.insert(queue.trusted_uids.begin(), queue.trusted_uids.end());
  if (queue.milter_uid) somebodys_.insert(*queue.milter_uid);
  if (queue.exim_uid) somebodys_.insert(*queue.exim_uid);
}

bool SiteUsers::shares_its_user(const VhostPolicy& vhost) const {
  if (!vhost.run_as) return true;
  const auto found = sites_of_.find(*vhost.run_as);
  return found != sites_of_.end() && found->second.size() > 1;
}

bool SiteUsers::may_be(std::string_view site, uid_t uid) const {
  if (uid == 0 || uid == Credentials().uid) return false;
  const auto found = sites_.find(std::string(site));
  if (found == sites_.end()) return false;
  if (found->second.uids.contains(uid) || uid == httpd_) return true;
  return found->second.of_anybody && !somebodys_.contains(uid);
}

}  // namespace mailorigin::daemon
