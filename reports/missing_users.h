// Virtual hosts that run as somebody who is not there: a customer's account that was deleted.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/policy.h"

namespace mailorigin::reports {

struct MissingUser {
  std::string vhost;
  std::string user;  // as MailOriginRunAs names it
  bool is_there;     // but not with the uid that httpd found when it read its configuration
};

// Of this machine. Nothing if there is no such user.
std::optional<std::uint32_t> uid_named(const std::string& user);

// Each name is looked up once.
std::vector<MissingUser> find_missing_users(
    const Policy& policy,
    const std::function<std::optional<std::uint32_t>(const std::string&)>& uid_of);

// A finding for those who are not there, and one for those whom httpd does not know yet.
void check_users(const std::vector<MissingUser>& missing, nlohmann::json& findings);

}  // namespace mailorigin::reports
