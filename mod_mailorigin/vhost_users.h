// MailOriginRunAs: whom each virtual host's PHP runs as, and what is to be said about it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/result.h"
#include "mod_mailorigin/config.h"
#include "mod_mailorigin/docroot_owner.h"

namespace mailorigin::httpd {

class VhostUsers {
 public:
  explicit VhostUsers(std::vector<std::string>& warnings);

  struct User {
    std::optional<std::uint32_t> uid;  // nothing: the directive is not there, or says nobody
    std::string fault;                 // of `owner`, which says nobody: why
  };
  // `host` is the virtual host's name, for warnings.
  User of(const std::string& host, const std::string& docroot, const VhostSettings& settings);

  // Warns of whom `owner` left out: once all hosts have been asked about.
  void warn();

 private:
  const Result<std::uint32_t>& owner_of(const std::string& docroot);

  std::vector<std::string>& warnings_;
  DocrootOwners docroots_;
  std::unordered_map<std::string, Result<std::uint32_t>> owners_;  // the ports of a site share one
  std::vector<std::string> left_out_;
};

}  // namespace mailorigin::httpd
