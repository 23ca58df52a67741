#include "store/keeper.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace mailorigin::store {

namespace {

constexpr std::uint64_t first_pause_ms = 200;
constexpr std::uint64_t longest_pause_ms = 10'000;

}  // namespace

std::string Target::name() const {
  return dialect_of(driver) == Dialect::sqlite ? driver + ' ' + params : driver;
}

bool Keeper::ready(std::uint64_t now_ms) {
  if (writer_ != nullptr) return true;
  if (now_ms < retry_at_ms_) return false;
  std::optional<Migration> migration;
  auto writer = Writer::open(target_.driver, target_.params, journal_, [&](const Migration& step) {
    migration = step;
    listener_.migrates(step);
  });
  if (migration) listener_.migrated(*migration, static_cast<bool>(writer));
  if (!writer) {
    fail(writer.error(), now_ms);
    opens_ = false;
    return false;
  }
  writer_ = *std::move(writer);
  // Nothing may wait to be written that would tell.
  if (!opens_) recover();
  return true;
}

bool Keeper::store(std::span<const Event> events, std::uint64_t to, std::uint64_t now_ms) {
  if (const Status stored = writer_->store(
          events, to,
          [this](const Event& event, const std::string& why) { return set_aside(event, why); });
      !stored) {
    fail(stored.error(), now_ms);
    return false;
  }
  recover();
  return true;
}

void Keeper::recover() {
  pause_ms_ = 0;
  opens_ = true;
  if (trouble_.empty()) return;
  trouble_.clear();
  listener_.over(trouble_finding, "MO0521: the store (" + target_.name() + ") is written again");
}

Status Keeper::set_aside(const Event& event, const std::string& why) {
  if (const Status added = refused_.add(event); !added) return added;
  listener_.begins(refusal_finding, Notice::Level::error,
                   "MO0522: the store (" + target_.name() + ") refuses event " +
                       event.get(Field::id) + ": " + why +
                       "; this and others that it refuses are in " + refused_.path());
  return Done{};
}

bool Keeper::remove_older(std::uint64_t wall_ms, std::uint64_t now_ms) {
  if (!refused_.keep(wall_ms, target_.retained_ms)) {
    listener_.over(refusal_finding,
                   "MO0523: no event that the store refused is left in " + refused_.path());
  }
  const auto more = writer_->remove_older(wall_ms, target_.retained_ms);
  if (more) return *more;
  fail(more.error(), now_ms);
  return false;
}

// The connection may have had its part in it.
void Keeper::fail(const Error& error, std::uint64_t now_ms) {
  writer_.reset();
  pause_ms_ = std::clamp(pause_ms_ * 2, first_pause_ms, longest_pause_ms);
  retry_at_ms_ = now_ms + pause_ms_;
  if (trouble_ == error.message) return;
  trouble_ = error.message;
  listener_.begins(trouble_finding, Notice::Level::error,
                   "MO0520: the store (" + target_.name() + ") cannot be written: " + trouble_ +
                       "; events wait in the journal");
}

}  // namespace mailorigin::store
