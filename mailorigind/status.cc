#include "mailorigind/status.h"

#include <unistd.h>

#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "core/event.h"
#include "core/text.h"
#include "mailorigind/limits.h"

namespace mailorigin::daemon {

namespace {

using nlohmann::json;

constexpr std::size_t status_size_limit = packet_limit - 64;  // with its packet's head

std::string shown(std::string_view text) { return std::string(cut(text, shown_text_limit)); }

json httpd_of(const DaemonStatus& status) {
  json httpd;
  const bool connected = !status.connected_instance.empty();
  httpd["connected"] = connected;
  if (connected) {
    httpd["instance"] = shown(status.connected_instance);
  } else if (status.policy != nullptr) {
    httpd["instance"] = shown(status.policy->instance);
  }
  return httpd;
}

json consumers_of(const DaemonStatus& status) {
  json consumers = json::array();
  for (const Retention::Standing& each : status.consumers) {
    consumers.push_back(
        {{"name", each.name},
         {"waiting", status.journal_end - std::min(each.position, status.journal_end)},
         {"lost", each.lost}});
  }
  return consumers;
}

json logs_of(const DaemonStatus& status) {
  json logs = json::array();
  for (const Delivery::Backlog::Log& log : status.backlog.logs) {
    json one = {{"name", shown(log.name)},
                {"state", log.catching_up ? "catching-up" : "waiting"},
                {"waiting", status.journal_end - std::min(log.position, status.journal_end)}};
    if (!log.reason.empty()) one["reason"] = shown(log.reason);
    logs.push_back(std::move(one));
  }
  return logs;
}

json store_of(const DaemonStatus& status) {
  if (!status.store.wanted) return {{"wanted", false}};
  json store = {{"wanted", true},
                {"driver", shown(status.store.driver)},
                {"retained_days", status.store.retained_days}};
  if (!status.store.file.empty()) store["file"] = shown(status.store.file);
  if (!status.store.trouble.empty()) store["trouble"] = shown(status.store.trouble);
  if (!status.store.work.empty()) store["work"] = shown(status.store.work);
  return store;
}

json findings_of(const DaemonStatus& status) {
  json findings = json::array();
  for (const service::NoticeBoard::Lasting& finding : status.findings) {
    if (findings.size() == findings_shown) break;
    findings.push_back({{"since", rfc3339(finding.since_ms)},
                        {"error", finding.notice.level == Notice::Level::error},
                        {"text", shown(finding.notice.text)}});
  }
  return findings;
}

json php_of(const DaemonStatus& status) {
  json silent = json::array();
  for (const HeardVhosts::Silent& each : status.silent) {
    if (silent.size() == vhosts_shown) break;
    silent.push_back({{"vhost", shown(each.vhost)}, {"requests", each.requests}});
  }
  json others = json::array();
  for (const HeardVhosts::OtherUser& each : status.other_users) {
    if (others.size() == vhosts_shown) break;
    others.push_back({{"vhost", shown(each.vhost)}, {"uid", each.uid}});
  }
  return {{"silent_count", status.silent.size()},
          {"silent", std::move(silent)},
          {"other_users_count", status.other_users.size()},
          {"other_users", std::move(others)}};
}

json holder_of(const DaemonStatus& status, Holder holder) {
  const std::uint64_t now_ms = status.now.elapsed_ms();
  json facts = {{"wanted", status.holders.is_configured(holder)},
                {"holds", status.holders.holds(holder, now_ms)}};
  if (const auto asked_ms = status.holders.last_asked_ms(holder)) {
    facts["asked"] = rfc3339(status.now.wall_ms - (now_ms - std::min(now_ms, *asked_ms)));
  }
  return facts;
}

json blocks_of(const Blocks& blocks) {
  json out = json::array();
  for (const Block& block : blocks.list()) {
    if (out.size() == blocks_shown) break;
    json one = {{"block", shown(block.subject.text())},
                {"action", rule_name(block.hold ? Rule::hold : Rule::deny)},
                {"by", shown(block.by)},
                {"since", rfc3339(block.since_ms)}};
    if (block.until_ms) one["until"] = rfc3339(*block.until_ms);
    if (!block.reason.empty()) one["reason"] = shown(block.reason);
    out.push_back(std::move(one));
  }
  return out;
}

// Those of the last day, the longest period of a limit.
json resets_of(const DaemonStatus& status) {
  constexpr std::uint64_t day_ms = 86'400'000;
  json out = json::array();
  if (status.limit_resets == nullptr) return out;
  for (const LimitReset* reset : status.limit_resets->list()) {
    if (out.size() == resets_shown || reset->since_ms + day_ms < status.now.wall_ms) break;
    out.push_back({{"site", shown(reset->site)},
                   {"by", shown(reset->by)},
                   {"since", rfc3339(reset->since_ms)}});
  }
  return out;
}

// Of lists of an answer that is too long, to make it shorter.
json& longest_of(std::initializer_list<json*> lists) {
  return **std::max_element(lists.begin(), lists.end(),
                            [](const json* a, const json* b) { return a->size() < b->size(); });
}

}  // namespace

std::string status_json(const DaemonStatus& status) {
  json out;
  out["version"] = MAILORIGIN_VERSION;
  out["pid"] = getpid();
  out["started"] = rfc3339(status.started_ms);
  out["httpd"] = httpd_of(status);
  if (status.policy != nullptr) {
    out["policy"] = {{"vhosts", status.policy->vhosts.size()},
                     {"targets", status.policy->targets.size()},
                     {"firewall", firewall_mode_name(status.policy->firewall.mode)}};
  }
  out["journal"] = {
      {"waiting", status.journal_end - std::min(status.backlog.handled, status.journal_end)},
      {"capacity", status.journal_capacity},
      {"consumers", consumers_of(status)}};
  out["logs_behind"] = status.backlog.count;
  out["logs"] = logs_of(status);
  out["store"] = store_of(status);
  out["firewall"] = {{"wanted", status.firewall_wanted},
                     {"connected", status.firewall_connected},
                     {"ring", status.firewall_ring},
                     {"blocks", status.firewall_blocks}};
  out["queue"] = {{"milter", holder_of(status, Holder::milter)},
                  {"exim", holder_of(status, Holder::exim)}};
  out["php"] = php_of(status);
  out["blocks_count"] = status.blocks != nullptr ? status.blocks->list().size() : 0;
  out["blocks"] = status.blocks != nullptr ? blocks_of(*status.blocks) : json::array();
  out["limit_resets"] = resets_of(status);
  out["findings_count"] = status.findings.size();
  out["findings"] = findings_of(status);
  for (;;) {
    std::string text = out.dump(-1, ' ', false, json::error_handler_t::replace);
    // Names may be such that JSON needs several bytes for each of theirs.
    json& longest =
        longest_of({&out["logs"], &out["findings"], &out["blocks"], &out["limit_resets"],
                    &out["php"]["silent"], &out["php"]["other_users"]});
    if (text.size() <= status_size_limit || longest.empty()) return text;
    longest.erase(longest.size() - 1);
  }
}

}  // namespace mailorigin::daemon
