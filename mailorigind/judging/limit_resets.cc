#include "mailorigind/judging/limit_resets.h"

#include <algorithm>
#include <utility>

#include "core/name_values.h"
#include "mailorigind/limits.h"

namespace mailorigin::daemon {

void LimitResets::add(LimitReset reset) {
  std::string site = reset.site;
  sites_.insert_or_assign(std::move(site), std::move(reset));
  if (sites_.size() <= resets_kept) return;
  sites_.erase(std::min_element(sites_.begin(), sites_.end(), [](const auto& a, const auto& b) {
    return a.second.since_ms < b.second.since_ms;
  }));
}

std::vector<const LimitReset*> LimitResets::list() const {
  std::vector<const LimitReset*> out;
  for (const auto& [site, reset] : sites_) out.push_back(&reset);
  std::sort(out.begin(), out.end(), [](const LimitReset* a, const LimitReset* b) {
    return a->since_ms != b->since_ms ? a->since_ms > b->since_ms : a->site < b->site;
  });
  return out;
}

std::string LimitResets::encode() const {
  std::string out;
  NameValueWriter writer(out);
  for (const LimitReset* reset : list()) writer.add("reset", encode_limit_reset(*reset));
  return out;
}

Result<LimitResets> LimitResets::decode(std::string_view bytes) {
  LimitResets resets;
  const Status read = each_pair("resets", bytes, [&](auto name, auto value) {
    auto reset = decode_limit_reset(value);
    if (name != "reset" || !reset) return false;
    resets.add(*std::move(reset));
    return true;
  });
  if (!read) return read.error();
  return resets;
}

}  // namespace mailorigin::daemon
