#include "mod_mailorigin/vhost_users.h"

#include <algorithm>

#include "core/counted.h"
#include "mod_mailorigin/httpd_api.h"

namespace mailorigin::httpd {

namespace {

// Of what may be wrong with ten thousand hosts at once; `mailorigin policy` says it of each.
constexpr std::size_t hosts_told = 20;

}  // namespace

VhostUsers::VhostUsers(std::vector<std::string>& warnings)
    : warnings_(warnings), docroots_(ap_unixd_config.user_id) {}

const Result<std::uint32_t>& VhostUsers::owner_of(const std::string& docroot) {
  const auto found = owners_.find(docroot);
  if (found != owners_.end()) return found->second;
  return owners_.emplace(docroot, docroots_.of(docroot)).first->second;
}

VhostUsers::User VhostUsers::of(const std::string& host, const std::string& docroot,
                                const VhostSettings& settings) {
  if (!settings.run_as) return {};
  const RunAs& run_as = *settings.run_as;
  if (run_as.is_owner) {
    const auto& owner = owner_of(docroot);
    if (owner) return {*owner, {}};
    left_out_.push_back(host + " (" + run_as.place.text() + "): " + owner.error().message);
    return {{}, owner.error().message};
  }
  if (!run_as.uid) {
    warnings_.push_back(
        "MO0129: MailOriginRunAs (" + run_as.place.text() + "): '" + run_as.user +
        "' is not a user of this machine: " + host +
        " is judged as one whose user is not known, until there is one and httpd is reloaded");
  } else if (*run_as.uid == 0) {
    warnings_.push_back(
        "MO0120: " + host +
        " runs PHP as root (MailOriginRunAs): its scripts can read the key and forge the origin "
        "of any mail");
  } else if (*run_as.uid == ap_unixd_config.user_id) {
    warnings_.push_back(
        "MO0106: " + host +
        " runs PHP as httpd's own User, whose processes hold the key: its scripts could forge "
        "the origin of any mail");
  }
  return {run_as.uid, {}};
}

void VhostUsers::warn() {
  const std::size_t told = std::min(left_out_.size(), hosts_told);
  for (std::size_t i = 0; i < told; i++) {
    warnings_.push_back("MO0148: MailOriginRunAs owner: no user for " + left_out_[i] +
                        "; name it, or mend that");
  }
  if (told == left_out_.size()) return;
  warnings_.push_back("MO0148: MailOriginRunAs owner: no user for " +
                      counted(left_out_.size() - told, "more virtual host") +
                      "; `mailorigin policy VHOST` says why");
}

}  // namespace mailorigin::httpd
