// Stamp: what every event gets when it is recorded.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/event.h"
#include "core/ulid.h"

namespace mailorigin::daemon {

class Stamp {
 public:
  Stamp();

  // Sets time, host and a new id, which it returns.
  const std::string& put(Event& event, std::uint64_t wall_ms);

 private:
  UlidGenerator ids_;
  std::string id_;
  std::string host_;
  std::uint64_t time_ms_ = 0;
  std::string time_text_;  // time_ms_ as an event has it
};

}  // namespace mailorigin::daemon
