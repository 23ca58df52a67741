// What services that are well say, and a policy of one virtual host.
#pragma once

#include <nlohmann/json.hpp>
#include <utility>

#include "core/policy.h"
#include "reports/status_report.h"

namespace mailorigin::reports {

inline const nlohmann::json well_daemon = {
    {"version", MAILORIGIN_VERSION},
    {"pid", 7},
    {"started", "2026-11-22T00:00:00.000Z"},
    {"httpd", {{"connected", true}, {"instance", "/run/httpd.pid"}}},
    {"policy", {{"vhosts", 1}, {"targets", 2}, {"firewall", "off"}}},
    {"journal", {{"waiting", 0}, {"capacity", 1000}}},
    {"store", {{"wanted", false}}},
    {"logs_behind", 0},
    {"logs", nlohmann::json::array()},
    {"firewall", {{"wanted", false}, {"connected", false}, {"ring", false}}},
    {"findings_count", 0},
    {"findings", nlohmann::json::array()}};

inline const nlohmann::json well_firewall = {{"version", MAILORIGIN_VERSION},
                                             {"engine", "bpf"},
                                             {"mode", "on"},
                                             {"counters", {{"denied", 3}}},
                                             {"findings", nlohmann::json::array()}};

inline Policy one_host(FirewallMode mode = FirewallMode::off) {
  Policy policy;
  policy.server.name = "server:80";
  policy.server.site = "server";
  policy.firewall.mode = mode;
  VhostPolicy& vhost = policy.vhosts.emplace_back();
  vhost.id = 1;
  vhost.name = "Shop.example:80";
  vhost.site = "shop.example";
  vhost.run_as = 4'000'000'000;
  return policy;
}

inline Observed observed(nlohmann::json daemon, FirewallMode mode = FirewallMode::off,
                         Result<nlohmann::json> firewall = Error{"not asked"}) {
  Observed made;
  made.daemon = std::move(daemon);
  made.policy = one_host(mode);
  made.firewall = std::move(firewall);
  return made;
}

}  // namespace mailorigin::reports
