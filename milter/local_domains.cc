#include "milter/local_domains.h"

#include <algorithm>
#include <fstream>

#include "core/file.h"
#include "core/mail/main_cf.h"
#include "core/text.h"
#include "core/wire/queueing.h"

namespace mailorigin::milter {

namespace {

// $name, ${name} and $(name).
void expand(std::string& text, const std::string& name, std::string_view value) {
  for (const std::string& form : {"${" + name + "}", "$(" + name + ")", "$" + name}) {
    for (std::size_t at = 0; (at = text.find(form, at)) != std::string::npos; at += value.size()) {
      text.replace(at, form.size(), value);
    }
  }
}

// $mydomain's default.
std::string_view without_first_label(std::string_view hostname) {
  const std::size_t dot = hostname.find('.');
  return dot == std::string_view::npos ? std::string_view() : hostname.substr(dot + 1);
}

}  // namespace

std::string LocalDomains::first_word(const std::string& path) const {
  std::ifstream file(root_ + path);
  std::string word;
  file >> word;
  return word;
}

// $myorigin; empty where main.cf cannot be read.
std::string LocalDomains::origin(std::string_view hostname) {
  const std::string path = root_ + main_cf_path;
  const std::lock_guard lock(mutex_);
  struct stat now {};
  if (stat(path.c_str(), &now) != 0) return {};
  if (now.st_mtim.tv_sec != read_.tv_sec || now.st_mtim.tv_nsec != read_.tv_nsec) {
    const auto text = read_file(path, main_cf_limit);
    main_cf_ = text ? *text : std::string();
    read_ = now.st_mtim;
  }
  std::string said = main_cf_setting(main_cf_, "myorigin").value_or("$myhostname");
  if (said.starts_with('/')) return first_word(said);
  const auto domain = main_cf_setting(main_cf_, "mydomain");
  expand(said, "mydomain", domain ? std::string_view(*domain) : without_first_label(hostname));
  expand(said, "myhostname", hostname);
  return said;
}

std::vector<std::string> LocalDomains::with(std::string_view hostname) {
  std::vector<std::string> domains;
  for (const std::string& each :
       {std::string(hostname), origin(hostname), first_word("/etc/mailname")}) {
    std::string domain = lower_case(each);
    if (domain.empty() || domain.size() > local_domain_limit) continue;
    if (std::find(domains.begin(), domains.end(), domain) != domains.end()) continue;
    domains.push_back(std::move(domain));
  }
  return domains;
}

}  // namespace mailorigin::milter
