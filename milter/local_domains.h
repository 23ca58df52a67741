// The domains that Postfix gives a name without one.
#pragma once

#include <sys/stat.h>

#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailorigin::milter {

// For several threads. What main.cf says is read again where the file has changed.
class LocalDomains {
 public:
  // Reads below `root`.
  explicit LocalDomains(std::string root = "") : root_(std::move(root)) {}

  // $myhostname, which Postfix tells, $myorigin of main.cf, and what /etc/mailname says, Debian's
  // usual $myorigin; in lower case, each once, at most local_domains_told.
  std::vector<std::string> with(std::string_view hostname);

 private:
  std::string origin(std::string_view hostname);
  [[nodiscard]] std::string first_word(const std::string& path) const;

  const std::string root_;
  std::mutex mutex_;
  struct timespec read_ {};  // the time of what main_cf_ has
  std::string main_cf_;
};

}  // namespace mailorigin::milter
