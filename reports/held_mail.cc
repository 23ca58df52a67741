#include "reports/held_mail.h"

#include <algorithm>
#include <utility>

#include "reports/advice.h"
#include "reports/backing.h"
#include "reports/fields.h"

namespace mailorigin::reports {

using nlohmann::json;

namespace {

// What a queue id was given to before, it may have again: with the inodes of a disk.
constexpr std::uint64_t arrival_tolerance_ms = 2 * 86'400'000ULL;

// The mail that waits there; nothing where it is none that was put on hold here.
Result<std::optional<Event>> event_of(StoreAccess& store, const WaitingMessage& message) {
  auto found = store([&](store::Reader& reader) {
    return reader.find({.queue_id = message.queue_id, .most = 1});
  });
  if (!found) return found.error();
  if (found->empty() || found->front().get(Field::verdict) != "hold") {
    return std::optional<Event>();
  }
  const std::uint64_t time_ms = parse_rfc3339(found->front().get(Field::time)).value_or(0);
  if (time_ms + arrival_tolerance_ms < message.since_ms) return std::optional<Event>();
  return std::optional<Event>(std::move(found->front()));
}

json facts_of(const HeldMail& held) {
  const Event& event = held.event;
  json facts = {{"id", event.get(Field::id)},
                {"queue_id", held.message.queue_id},
                {"server", held.message.server == MailServer::postfix ? "postfix" : "exim"},
                {"sender", held.message.sender},
                {"recipients", held.message.recipients},
                {"since", event.get(Field::time)}};
  const std::pair<const char*, std::string> known[] = {
      {"vhost", event.get(Field::vhost)},     {"site", event.get(Field::site)},
      {"script", blamed_script(event)},       {"user", event.get(Field::user)},
      {"subject", event.get(Field::subject)}, {"reason", event.get(Field::reason)}};
  for (const auto& [name, value] : known) {
    if (!value.empty()) facts[name] = value;
  }
  return facts;
}

}  // namespace

bool HeldFilter::takes(const HeldMail& held) const {
  const Event& event = held.event;
  const auto is_meant = [&](const std::string& id) {
    return id == event.get(Field::id) || id == held.message.queue_id;
  };
  if (!ids.empty() && std::none_of(ids.begin(), ids.end(), is_meant)) return false;
  if (!site.empty() && site != event.get(Field::site) && site != event.get(Field::vhost)) {
    return false;
  }
  return script.empty() || script == event.get(Field::entry) || script == event.get(Field::file) ||
         script == blamed_script(event);
}

bool HeldFilter::trusts(const HeldMail& held) const {
  return script.empty() || is_backed(held.event, script);
}

Result<HeldMails> find_held(StoreAccess& store, const HeldFilter& filter, std::uint64_t now_ms) {
  auto waiting = messages_on_hold(now_ms);
  if (!waiting) return waiting.error();
  HeldMails held;
  for (WaitingMessage& message : *waiting) {
    auto event = event_of(store, message);
    if (!event) return event.error();
    if (!*event) {
      held.others++;
      continue;
    }
    HeldMail one{std::move(message), *std::move(*event)};
    if (!filter.takes(one)) continue;
    if (filter.trusts(one)) {
      held.list.push_back(std::move(one));
    } else {
      held.claimed++;
    }
  }
  std::sort(held.list.begin(), held.list.end(), [](const HeldMail& a, const HeldMail& b) {
    return a.event.get(Field::id) < b.event.get(Field::id);
  });
  return held;
}

json held_report(const HeldMails& held) {
  json report = {{"held", json::array()}, {"others", held.others}, {"claimed", held.claimed}};
  for (const HeldMail& each : held.list) report["held"].push_back(facts_of(each));
  return report;
}

json decided_report(const HeldMails& held, Fate fate) {
  const char* const done_word = fate == Fate::release ? "released" : "discarded";
  json report = {{"mails", json::array()}, {"claimed", held.claimed}};
  for (const HeldMail& each : held.list) {
    json facts = facts_of(each);
    const auto decided = decide(each.message, fate);
    facts["outcome"] = !decided ? "failed" : *decided ? done_word : "gone";
    if (!decided) facts["trouble"] = decided.error().message;
    report["mails"].push_back(std::move(facts));
  }
  return report;
}

}  // namespace mailorigin::reports
