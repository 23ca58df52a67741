// Keeper: a store that may be gone, and comes back.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "core/event.h"
#include "core/wire/control.h"
#include "store/refused_events.h"
#include "store/schema.h"
#include "store/writer.h"

namespace mailorigin::store {

struct Target {
  std::string driver;
  std::string params;
  std::uint64_t retained_ms = 0;
  bool operator==(const Target&) const = default;

  // As messages and status name it: with SQLite's file, and no password of another.
  [[nodiscard]] std::string name() const;
};

// Names of what lasts: that it cannot be written, and that it refused events.
inline constexpr const char* trouble_finding = "store";
inline constexpr const char* refusal_finding = "refused by the store";
inline constexpr const char* findings[] = {trouble_finding, refusal_finding};

// Who hears of it: begins() when it does, over() when it is over, each of which may be said again;
// migrates() before each step that older tables need, and then once migrated(), whether it is done.
struct Listener {
  std::function<void(const std::string& finding, Notice::Level level, std::string text)> begins;
  std::function<void(const std::string& finding, std::string text)> over;
  OnMigration migrates;
  std::function<void(const Migration& migration, bool done)> migrated;
};

// For one thread. Times are milliseconds: `now_ms` of any steady clock, `wall_ms` since the epoch.
class Keeper {
 public:
  // `journal` as in Writer::open(); what the database refuses is kept in `state_directory`.
  Keeper(Target target, std::string journal, const std::string& state_directory, Listener listener)
      : target_(std::move(target)),
        journal_(std::move(journal)),
        listener_(std::move(listener)),
        refused_(state_directory) {}

  [[nodiscard]] const Target& target() const { return target_; }

  // Connects, unless it has to wait after a failure. True while events can be stored.
  bool ready(std::uint64_t now_ms);
  // When it may be tried again.
  [[nodiscard]] std::uint64_t retry_at_ms() const { return retry_at_ms_; }
  // While ready: see Writer.
  [[nodiscard]] std::optional<std::uint64_t> position() const { return writer_->position(); }

  // False: nothing was stored, or nobody knows; position() will, once it is ready again.
  bool store(std::span<const Event> events, std::uint64_t to, std::uint64_t now_ms);
  // Removes a little of what is too old; true if there is more.
  bool remove_older(std::uint64_t wall_ms, std::uint64_t now_ms);

  // Empty: none.
  [[nodiscard]] const std::string& trouble() const { return trouble_; }

 private:
  void fail(const Error& error, std::uint64_t now_ms);
  void recover();
  Status set_aside(const Event& event, const std::string& why);

  const Target target_;
  const std::string journal_;
  const Listener listener_;
  RefusedEvents refused_;
  std::unique_ptr<Writer> writer_;
  std::uint64_t retry_at_ms_ = 0;
  std::uint64_t pause_ms_ = 0;
  std::string trouble_;
  bool opens_ = true;  // else that is the trouble
};

}  // namespace mailorigin::store
