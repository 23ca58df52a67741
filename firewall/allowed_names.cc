#include "firewall/allowed_names.h"

#include <unistd.h>

#include <utility>

#include "core/default_paths.h"
#include "firewall/kept_names.h"

namespace mailorigin::firewall {

AllowedNames::AllowedNames(std::string state_directory, service::NoticeBoard& notices)
    : state_directory_(std::move(state_directory)), notices_(notices) {}

void AllowedNames::load() {
  if (auto kept = load_names(state_directory_)) {
    addresses_ = *std::move(kept);
  } else {
    notices_.say(Notice::Level::error,
                 "MO0420: the kept addresses of names are ignored: " + kept.error().message +
                     "; what is allowed by name is refused until the name resolves");
  }
}

void AllowedNames::watch(const std::set<std::string>& names) {
  resolver_.watch(names, addresses_);
  for (const std::string& name : failed_) {
    if (!names.contains(name)) notices_.forget("name " + name);
  }
  std::erase_if(failed_, [&](const std::string& name) { return !names.contains(name); });
  if (std::erase_if(addresses_, [&](const auto& each) { return !names.contains(each.first); }) >
      0) {
    keep();
  }
}

void AllowedNames::forget() {
  unlink(kept_names(state_directory_).c_str());
  notices_.forget("names");
  addresses_.clear();
  watch({});
}

void AllowedNames::keep() {
  if (const Status saved = save_names(state_directory_, addresses_); !saved) {
    notices_.begins("names", Notice::Level::error,
                    "MO0421: " + saved.error().message +
                        "; the addresses of names are in force, but the next start will not have "
                        "them");
  } else {
    notices_.over("names", "MO0422: the addresses of names are kept again");
  }
}

AllowedNames::News AllowedNames::take() {
  Resolver::Round round = resolver_.take();
  for (const std::string& name : round.failed) {
    notices_.begins("name " + name, Notice::Level::warning,
                    "MO0410: " + name +
                        " (MailOriginSmtpAllow, MailOriginSmtp redirect) does not resolve; " +
                        (round.found.contains(name) ? "its last addresses stay allowed"
                                                    : "no address is allowed for it"));
  }
  for (const std::string& name : failed_) {
    if (!round.failed.contains(name)) {
      notices_.over("name " + name, "MO0418: " + name + " resolves again");
    }
  }
  failed_ = std::move(round.failed);
  const bool changed = round.found != addresses_;
  if (changed) {
    addresses_ = std::move(round.found);
    keep();
  }
  return {changed, round.complete};
}

}  // namespace mailorigin::firewall
