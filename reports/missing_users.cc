#include "reports/missing_users.h"

#include <pwd.h>

#include <algorithm>
#include <cstddef>
#include <unordered_map>

#include "core/counted.h"
#include "reports/findings.h"

namespace mailorigin::reports {

using nlohmann::json;

namespace {

constexpr std::size_t hosts_said = 8;  // in one sentence

// "shop.example:80 (alice), blog.example:80 (bob) and of 7 more virtual hosts".
std::string hosts_of(const std::vector<MissingUser>& users) {
  std::string out;
  const std::size_t said = std::min(users.size(), hosts_said);
  for (std::size_t i = 0; i < said; i++) {
    out += (i == 0 ? "" : ", ") + users[i].vhost + " (" + users[i].user + ')';
  }
  if (users.size() > said) {
    out += " and of " + counted(users.size() - said, "more virtual host");
  }
  return out;
}

}  // namespace

std::optional<std::uint32_t> uid_named(const std::string& user) {
  const passwd* const found = getpwnam(user.c_str());
  if (found == nullptr) return std::nullopt;
  return found->pw_uid;
}

std::vector<MissingUser> find_missing_users(
    const Policy& policy,
    const std::function<std::optional<std::uint32_t>(const std::string&)>& uid_of) {
  std::vector<MissingUser> missing;
  std::unordered_map<std::string, std::optional<std::uint32_t>> known;
  const auto look_at = [&](const VhostPolicy& vhost) {
    if (vhost.user.empty() || !vhost.enabled) return;
    auto uid = known.find(vhost.user);
    if (uid == known.end()) uid = known.emplace(vhost.user, uid_of(vhost.user)).first;
    if (uid->second && uid->second == vhost.run_as) return;
    missing.push_back({vhost.name, vhost.user, uid->second.has_value()});
  };
  look_at(policy.server);
  for (const VhostPolicy& vhost : policy.vhosts) look_at(vhost);
  return missing;
}

void check_users(const std::vector<MissingUser>& missing, json& findings) {
  std::vector<MissingUser> gone;
  std::vector<MissingUser> changed;
  for (const MissingUser& each : missing) (each.is_there ? changed : gone).push_back(each);
  if (!gone.empty()) {
    findings.push_back(finding(
        "httpd",
        "MailOriginRunAs names a user that this machine does not have, of " + hosts_of(gone),
        "take out the virtual host, create the user, or name the one that its PHP runs as; then "
        "apachectl graceful"));
  }
  if (!changed.empty()) {
    findings.push_back(finding("httpd",
                               "MailOriginRunAs names a user that has been created, or has got "
                               "another uid, since httpd read it, of " +
                                   hosts_of(changed),
                               "apachectl graceful"));
  }
}

}  // namespace mailorigin::reports
