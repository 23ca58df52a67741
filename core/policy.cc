#include "core/policy.h"

#include <fnmatch.h>

#include <algorithm>
#include <utility>

#include "core/enumeration.h"
#include "core/format.h"
#include "core/name_values.h"
#include "core/pattern.h"
#include "core/seal.h"
#include "core/text.h"

namespace mailorigin {

namespace {

constexpr std::string_view target_kinds[] = {"file", "pipe", "syslog"};

std::string encode_target(const LogTarget& target) {
  std::string out;
  NameValueWriter writer(out);
  writer.add("kind", target_kinds[static_cast<std::size_t>(target.kind)]);
  writer.add("name", target.name);
  return out;
}

std::string encode_route(const LogRoute& route) {
  std::string out;
  NameValueWriter writer(out);
  writer.add("target", std::uint64_t{route.target});
  writer.add(route.format.predefined ? "predefined" : "format", route.format.text);
  return out;
}

std::string encode_header(const HeaderRule& rule) {
  std::string out;
  NameValueWriter writer(out);
  writer.add("name", rule.name);
  writer.add("format", rule.format);
  return out;
}

// A rule's pair, by its action: what it is without one is what earlier versions wrote.
struct ActionName {
  std::string_view name;
  Rule action;
};
constexpr ActionName script_pairs[] = {
    {"denied_script", Rule::deny}, {"observed_script", Rule::observe}, {"held_script", Rule::hold}};

std::string encode_smtp(const SmtpPolicy& smtp) {
  std::string out;
  NameValueWriter writer(out);
  writer.add("rule", smtp_rule_name(smtp.rule));
  if (smtp.rule == SmtpRule::redirect) writer.add("relay", smtp_destination_text(smtp.relay));
  for (const SmtpDestination& each : smtp.allow) writer.add("allow", smtp_destination_text(each));
  writer.add("local", rule_name(smtp.local));
  return out;
}

std::string encode_firewall(const FirewallPolicy& firewall) {
  std::string out;
  NameValueWriter writer(out);
  writer.add("mode", firewall_mode_name(firewall.mode));
  for (const std::uint16_t port : firewall.ports) writer.add("port", std::uint64_t{port});
  for (const std::uint32_t uid : firewall.uids) writer.add("uid", std::uint64_t{uid});
  for (const std::uint32_t gid : firewall.gids) writer.add("gid", std::uint64_t{gid});
  if (firewall.httpd_uid) writer.add("httpd_uid", std::uint64_t{*firewall.httpd_uid});
  return out;
}

std::string encode_store(const StorePolicy& store) {
  std::string out;
  NameValueWriter writer(out);
  writer.add("enabled", std::uint64_t{store.enabled});
  writer.add("driver", store.driver);
  writer.add("params", store.params);
  writer.add("retained_days", store.retained_days);
  return out;
}

std::string encode_vhost(const VhostPolicy& vhost) {
  std::string out;
  NameValueWriter writer(out);
  writer.add("id", std::uint64_t{vhost.id});
  writer.add("name", vhost.name);
  writer.add("site", vhost.site);
  for (const std::string& alias : vhost.aliases) writer.add("alias", alias);
  if (!vhost.place.empty()) writer.add("place", vhost.place);
  writer.add("docroot", vhost.docroot);
  if (!vhost.real_docroot.empty()) writer.add("real_docroot", vhost.real_docroot);
  writer.add("enabled", std::uint64_t{vhost.enabled});
  writer.add("strict", std::uint64_t{vhost.strict});
  if (vhost.run_as) writer.add("run_as", std::uint64_t{*vhost.run_as});
  if (!vhost.user.empty()) writer.add("user", vhost.user);
  if (!vhost.run_as_fault.empty()) writer.add("run_as_fault", vhost.run_as_fault);
  for (const std::string& section : vhost.sections) writer.add("section", section);
  for (const LogRoute& route : vhost.logs) writer.add("log", encode_route(route));
  for (const HeaderRule& rule : vhost.headers) writer.add("header", encode_header(rule));
  for (const std::string& log : vhost.access_logs) writer.add("access_log", log);
  writer.add("send", rule_name(vhost.send));
  for (const ScriptRule& script : vhost.denied_scripts) {
    const auto* const pair =
        std::find_if(std::begin(script_pairs), std::end(script_pairs),
                     [&](const ActionName& each) { return each.action == script.action; });
    writer.add(pair->name, script.expression);
  }
  for (const LimitRule& limit : vhost.limits) writer.add("limit", encode_limit(limit));
  if (vhost.max_recipients) {
    writer.add("max_recipients", vhost.max_recipients->most);
    writer.add("max_recipients_action", rule_name(vhost.max_recipients->action));
  }
  for (const std::string& domain : vhost.sender.domains) writer.add("sender_domain", domain);
  writer.add("sender_action", rule_name(vhost.sender.action));
  writer.add("smtp", encode_smtp(vhost.smtp));
  return out;
}

template <class Number>
bool read_number(std::string_view value, Number& out, std::uint64_t limit) {
  const auto number = parse_number(value, limit);
  if (number) out = static_cast<Number>(*number);
  return number.has_value();
}

bool read_target(std::string_view bytes, LogTarget& target) {
  return static_cast<bool>(each_pair("target", bytes, [&](auto name, auto value) {
    if (name == "name") {
      target.name = value;
      return true;
    }
    for (std::size_t i = 0; i < std::size(target_kinds); i++) {
      if (name == "kind" && value == target_kinds[i]) {
        target.kind = static_cast<LogTarget::Kind>(i);
        return true;
      }
    }
    return false;
  }));
}

bool read_route(std::string_view bytes, std::size_t targets, LogRoute& route) {
  const Status read = each_pair("log", bytes, [&](auto name, auto value) {
    if (name == "target") return read_number(value, route.target, UINT32_MAX);
    route.format = {name == "predefined", std::string(value)};
    return name == "predefined" ? Format::predefined(value).has_value()
                                : name == "format" && static_cast<bool>(Format::parse(value));
  });
  return read && route.target < targets;
}

bool read_header(std::string_view bytes, HeaderRule& rule) {
  return static_cast<bool>(each_pair("header", bytes, [&](auto name, auto value) {
    if (name == "name") {
      rule.name = value;
      return true;
    }
    rule.format = value;
    return name == "format" && static_cast<bool>(Format::parse(value));
  }));
}

bool read_rule(std::string_view name, Rule& rule) {
  const auto named = rule_named(name);
  rule = named.value_or(rule);
  return named.has_value();
}

// What a rule may do with what it catches.
bool read_action(std::string_view name, Rule& action) {
  return read_rule(name, action) && action != Rule::allow;
}

// Of connections, which nothing can hold.
bool read_connection_rule(std::string_view name, Rule& rule) {
  return read_rule(name, rule) && rule != Rule::hold;
}

// False for a pair that is no script's.
bool is_script(std::string_view name, Rule& action) {
  const auto* const pair = std::find_if(std::begin(script_pairs), std::end(script_pairs),
                                        [&](const ActionName& each) { return each.name == name; });
  if (pair == std::end(script_pairs)) return false;
  action = pair->action;
  return true;
}

bool read_script(std::string_view expression, Rule action, std::vector<ScriptRule>& scripts) {
  scripts.push_back({std::string(expression), action});
  return static_cast<bool>(Pattern::compile(scripts.back().expression));
}

bool read_destination(std::string_view text, SmtpDestination& destination) {
  auto parsed = parse_smtp_destination(text);
  if (!parsed) return false;
  destination = *std::move(parsed);
  return true;
}

bool read_smtp(std::string_view bytes, SmtpPolicy& smtp) {
  const Status read = each_pair("smtp", bytes, [&](auto name, auto value) {
    if (name == "relay") return read_destination(value, smtp.relay);
    if (name == "allow") return read_destination(value, smtp.allow.emplace_back());
    if (name == "local") return read_connection_rule(value, smtp.local);
    const auto rule = smtp_rule_named(value);
    if (rule) smtp.rule = *rule;
    return name == "rule" && rule.has_value();
  });
  return read && (smtp.rule != SmtpRule::redirect || smtp.relay.port.has_value());
}

bool read_firewall(std::string_view bytes, FirewallPolicy& firewall) {
  firewall.ports.clear();
  return static_cast<bool>(each_pair("firewall", bytes, [&](auto name, auto value) {
    if (name == "port") return read_number(value, firewall.ports.emplace_back(), UINT16_MAX);
    if (name == "uid") return read_number(value, firewall.uids.emplace_back(), UINT32_MAX);
    if (name == "gid") return read_number(value, firewall.gids.emplace_back(), UINT32_MAX);
    if (name == "httpd_uid") return read_number(value, firewall.httpd_uid.emplace(), UINT32_MAX);
    const auto mode = firewall_mode_named(value);
    if (mode) firewall.mode = *mode;
    return name == "mode" && mode.has_value();
  }));
}

bool read_store(std::string_view bytes, StorePolicy& store) {
  return static_cast<bool>(each_pair("store", bytes, [&](auto name, auto value) {
    if (name == "enabled") return read_number(value, store.enabled, 1);
    if (name == "retained_days") {
      return read_number(value, store.retained_days, retained_days_limit);
    }
    if (name == "driver") store.driver = value;
    if (name == "params") store.params = value;
    return name == "driver" || name == "params";
  }));
}

Result<VhostPolicy> decode_vhost(std::string_view bytes, std::size_t targets) {
  VhostPolicy vhost;
  const Status read = each_pair("pair", bytes, [&](auto name, auto value) {
    if (name == "id") return read_number(value, vhost.id, UINT32_MAX);
    if (name == "enabled") return read_number(value, vhost.enabled, 1);
    if (name == "strict") return read_number(value, vhost.strict, 1);
    if (name == "run_as") return read_number(value, vhost.run_as.emplace(), UINT32_MAX);
    if (name == "log") return read_route(value, targets, vhost.logs.emplace_back());
    if (name == "header") return read_header(value, vhost.headers.emplace_back());
    if (name == "send") return read_rule(value, vhost.send);
    if (Rule action{}; is_script(name, action)) {
      return read_script(value, action, vhost.denied_scripts);
    }
    if (name == "limit") return read_limit(value, vhost.limits.emplace_back());
    if (name == "max_recipients") {
      return read_number(value, vhost.max_recipients.emplace().most, UINT64_MAX);
    }
    if (name == "max_recipients_action") {
      return vhost.max_recipients && read_action(value, vhost.max_recipients->action);
    }
    if (name == "sender_action") return read_action(value, vhost.sender.action);
    if (name == "smtp") return read_smtp(value, vhost.smtp);
    if (name == "sender_domain") vhost.sender.domains.emplace_back(value);
    if (name == "access_log") vhost.access_logs.emplace_back(value);
    if (name == "name") vhost.name = value;
    if (name == "site") vhost.site = value;
    if (name == "alias") vhost.aliases.emplace_back(value);
    if (name == "place") vhost.place = value;
    if (name == "docroot") vhost.docroot = value;
    if (name == "real_docroot") vhost.real_docroot = value;
    if (name == "user") vhost.user = value;
    if (name == "run_as_fault") vhost.run_as_fault = value;
    if (name == "section") vhost.sections.emplace_back(value);
    return name == "sender_domain" || name == "access_log" || name == "name" || name == "site" ||
           name == "alias" || name == "place" || name == "docroot" || name == "real_docroot" ||
           name == "user" || name == "run_as_fault" || name == "section";
  });
  if (!read) return read.error().context("vhost '" + vhost.name + "'");
  return vhost;
}

std::string without_slash(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  return std::string(path);
}

}  // namespace

bool VhostPolicy::may_hold() const {
  const auto holds = [](const auto& rule) { return rule.action == Rule::hold; };
  return send == Rule::hold || std::any_of(denied_scripts.begin(), denied_scripts.end(), holds) ||
         std::any_of(limits.begin(), limits.end(), holds) ||
         (max_recipients && holds(*max_recipients)) || (!sender.domains.empty() && holds(sender));
}

void Policy::index() {
  by_id_.clear();
  by_uid_.clear();
  for (std::size_t i = 0; i < vhosts.size(); i++) {
    by_id_.emplace(vhosts[i].id, i);
    // A policy that an earlier version kept says no site: each vhost is one.
    if (vhosts[i].site.empty()) vhosts[i].site = vhosts[i].name;
    if (!vhosts[i].run_as) continue;
    const auto [entry, is_first] = by_uid_.try_emplace(*vhosts[i].run_as);
    Uid& uid = entry->second;
    if (is_first) uid.first = i;
    for (const std::string* docroot : {&vhosts[i].docroot, &vhosts[i].real_docroot}) {
      if (!docroot->empty()) uid.by_docroot.emplace(without_slash(*docroot), i);
    }
    uid.by_site[vhosts[i].site].push_back(i);
  }
}

const VhostPolicy* Policy::by_id(std::uint32_t id) const {
  if (id == server.id) return &server;
  const auto found = by_id_.find(id);
  return found == by_id_.end() ? nullptr : &vhosts[found->second];
}

const VhostPolicy* Policy::called(std::string_view name) const {
  using IsCalled = bool (*)(const VhostPolicy& vhost, const std::string& small);
  constexpr IsCalled ways[] = {
      [](const VhostPolicy& vhost, const std::string& small) { return vhost.site == small; },
      [](const VhostPolicy& vhost, const std::string& small) {
        return lower_case(vhost.name) == small;
      },
      [](const VhostPolicy& vhost, const std::string& small) {
        const auto& all = vhost.aliases;
        return std::find(all.begin(), all.end(), small) != all.end();
      },
      [](const VhostPolicy& vhost, const std::string& small) {
        return std::any_of(vhost.aliases.begin(), vhost.aliases.end(), [&](const auto& alias) {
          return fnmatch(alias.c_str(), small.c_str(), FNM_NOESCAPE) == 0;
        });
      }};
  const std::string host = lower_case(name);
  if (host.empty()) return nullptr;
  for (const IsCalled is_called : ways) {
    const auto found = std::find_if(vhosts.begin(), vhosts.end(),
                                    [&](const auto& each) { return is_called(each, host); });
    if (found != vhosts.end()) return &*found;
    if (is_called(server, host)) return &server;
  }
  return nullptr;
}

const VhostPolicy* Policy::owner(std::uint32_t uid, std::string_view path) const {
  const auto found = by_uid_.find(uid);
  if (found == by_uid_.end()) return nullptr;
  if (path.starts_with('/')) {
    for (std::string_view above = path; !above.empty(); above = above.substr(0, above.rfind('/'))) {
      const auto holder = found->second.by_docroot.find(std::string(above));
      if (holder != found->second.by_docroot.end()) return &vhosts[holder->second];
    }
  }
  return &vhosts[found->second.first];
}

std::vector<const VhostPolicy*> Policy::other_ports(const VhostPolicy& vhost) const {
  std::vector<const VhostPolicy*> others;
  if (!vhost.run_as) return others;
  const auto found = by_uid_.find(*vhost.run_as);
  if (found == by_uid_.end()) return others;
  const auto site = found->second.by_site.find(vhost.site);
  if (site == found->second.by_site.end()) return others;
  for (const std::size_t index : site->second) {
    if (vhosts[index].id != vhost.id) others.push_back(&vhosts[index]);
  }
  return others;
}

std::vector<const VhostPolicy*> Policy::that_may_hold() const {
  std::vector<const VhostPolicy*> found;
  if (server.may_hold()) found.push_back(&server);
  for (const VhostPolicy& vhost : vhosts) {
    if (vhost.may_hold()) found.push_back(&vhost);
  }
  return found;
}

bool Policy::has_limits() const {
  return !server.limits.empty() || std::any_of(vhosts.begin(), vhosts.end(), [](const auto& vhost) {
    return !vhost.limits.empty();
  });
}

std::string Policy::encode() const {
  std::string out;
  NameValueWriter writer(out);
  writer.add("instance", instance);
  // Targets first: a route is checked against them.
  for (const LogTarget& target : targets) writer.add("target", encode_target(target));
  writer.add("unverified", rule_name(unverified));
  writer.add("firewall", encode_firewall(firewall));
  if (queue != QueuePolicy()) writer.add("queue", encode_queue_policy(queue));
  writer.add("store", encode_store(store));
  if (refused_log) writer.add("refused_log", encode_route(*refused_log));
  writer.add("server", encode_vhost(server));
  for (const VhostPolicy& vhost : vhosts) writer.add("vhost", encode_vhost(vhost));
  return out;
}

Result<Policy> Policy::decode(std::string_view bytes) {
  Policy policy;
  std::optional<Error> fault;
  const Status read = each_pair("policy", bytes, [&](auto name, auto value) {
    if (name == "instance") {
      policy.instance = value;
      return true;
    }
    if (name == "unverified") return read_connection_rule(value, policy.unverified);
    if (name == "target") return read_target(value, policy.targets.emplace_back());
    if (name == "refused_log") {
      return read_route(value, policy.targets.size(), policy.refused_log.emplace());
    }
    if (name == "firewall") return read_firewall(value, policy.firewall);
    if (name == "queue") return read_queue_policy(value, policy.queue);
    if (name == "store") return read_store(value, policy.store);
    if (name != "server" && name != "vhost") return false;
    auto vhost = decode_vhost(value, policy.targets.size());
    if (!vhost) {
      fault = vhost.error();
    } else if (name == "server") {
      policy.server = *std::move(vhost);
    } else {
      policy.vhosts.push_back(*std::move(vhost));
    }
    return !fault;
  });
  if (fault) return fault->context("policy");
  if (!read) return read.error();
  policy.index();
  return policy;
}

std::uint32_t vhost_id(std::string_view name) {
  const auto id = static_cast<std::uint32_t>(siphash24(name, {}));
  return id == 0 || id == refused_connections ? 1 : id;
}

}  // namespace mailorigin
