#include "mailorigind/active_policy.h"

#include <algorithm>
#include <utility>

#include "mailorigind/limits.h"

namespace mailorigin::daemon {

ActivePolicy::ActivePolicy(Policy policy, std::vector<Fd> descriptors)
    : policy_(std::move(policy)), users_(policy_) {
  take(std::move(descriptors));
  server_ = compile(policy_.server);
  if (policy_.refused_log) {
    refused_.logs.push_back({policy_.refused_log->target, format(policy_.refused_log->format)});
  }
  for (const VhostPolicy& vhost : policy_.vhosts) vhosts_.push_back(compile(vhost));
}

void ActivePolicy::take(std::vector<Fd> descriptors) {
  descriptors_ = std::move(descriptors);
  by_target_.clear();
  std::size_t next = 0;
  for (const LogTarget& target : policy_.targets) {
    const bool has_one = target.kind != LogTarget::Kind::syslog && !descriptors_.empty();
    by_target_.push_back(has_one ? descriptors_[next++].get() : -1);
  }
}

std::size_t ActivePolicy::descriptors_needed(const Policy& policy) {
  return static_cast<std::size_t>(std::count_if(
      policy.targets.begin(), policy.targets.end(),
      [](const LogTarget& target) { return target.kind != LogTarget::Kind::syslog; }));
}

const Format* ActivePolicy::format(const FormatChoice& choice) {
  const auto [entry, added] = formats_.try_emplace({choice.predefined, choice.text});
  if (added) {
    entry->second =
        choice.predefined ? *Format::predefined(choice.text) : *Format::parse(choice.text);
  }
  return &entry->second;
}

const Pattern* ActivePolicy::pattern(const std::string& text) {
  const auto found = patterns_.find(text);
  if (found != patterns_.end()) return &found->second;
  return &patterns_.emplace(text, *Pattern::compile(text)).first->second;
}

ActivePolicy::Rules ActivePolicy::compile(const VhostPolicy& vhost) {
  Rules rules;
  for (const HeaderRule& rule : vhost.headers) {  // MailOriginHeader
    rules.headers.push_back({rule.name, format({false, rule.format})});
    if (header_names_.size() < header_names_kept &&
        std::find(header_names_.begin(), header_names_.end(), rule.name) == header_names_.end()) {
      header_names_.push_back(rule.name);
    }
  }
  for (const LogRoute& route : vhost.logs) {  // MailOriginLog
    rules.logs.push_back({route.target, format(route.format)});
  }
  for (const ScriptRule& script : vhost.denied_scripts) {  // MailOriginDenyScript
    rules.denied_scripts.push_back({pattern(script.expression), script.action});
  }
  return rules;
}

const ActivePolicy::Rules& ActivePolicy::rules(const VhostPolicy& vhost) const {
  if (&vhost == &policy_.server) return server_;
  return vhosts_[static_cast<std::size_t>(&vhost - policy_.vhosts.data())];
}

const ActivePolicy::Rules& ActivePolicy::rules(std::uint32_t vhost_id) const {
  if (vhost_id == refused_connections) return refused_;
  const VhostPolicy* vhost = policy_.by_id(vhost_id);
  return rules(vhost != nullptr ? *vhost : policy_.server);
}

}  // namespace mailorigin::daemon
