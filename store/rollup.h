// What is counted by minute and hour, so that nobody has to read every event for it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/event.h"

namespace mailorigin::store {

// By whom; the numbers stand in the tables.
enum class Per : std::uint8_t { vhost = 1, script, caller, uid, client, recipient_domain };
inline constexpr std::array<std::string_view, 6> per_names = {
    "vhost", "script", "caller", "uid", "client", "recipient-domain"};

constexpr std::string_view per_name(Per per) {
  return per_names[static_cast<std::size_t>(per) - 1];
}
constexpr std::optional<Per> per_named(std::string_view name) {
  for (std::size_t i = 0; i < per_names.size(); i++) {
    if (per_names[i] == name) return static_cast<Per>(i + 1);
  }
  return std::nullopt;
}

// Under which field's name it stands in mailorigin_name.
constexpr std::string_view name_field(Per per) {
  switch (per) {
    case Per::script:
      return "entry";
    default:
      return per_name(per);
  }
}

// Behind the name of a script of which only the sender says that it was asked for, and before his
// uid and ')'.
inline constexpr std::string_view claimed_by = " (says uid ";

// Under which name an event is counted as a script's: what httpd has sealed that it was asked for;
// else the sender's word with his uid, so that nobody counts for another. Empty: for none.
inline std::string counted_script(const Event& event) {
  const std::string& entry = event.get(Field::entry);
  if (entry.empty() || event.has(Field::verified)) return entry;
  return entry + std::string(claimed_by) + event.get(Field::uid) + ')';
}

// Of mails (events of kind mail and submit), whatever became of them; those that were held
// or denied are among them.
struct Counts {
  std::uint64_t mails = 0;
  std::uint64_t recipients = 0;
  std::uint64_t held = 0;
  std::uint64_t denied = 0;

  Counts& operator+=(const Counts& other) {
    mails += other.mails;
    recipients += other.recipients;
    held += other.held;
    denied += other.denied;
    return *this;
  }
  bool operator==(const Counts&) const = default;
};

inline constexpr std::uint64_t minute_ms = 60'000;
inline constexpr std::uint64_t hour_ms = 3'600'000;

// Minutes are only needed for the ends of a span: older ones are told by their hours.
inline constexpr std::uint64_t minutes_kept_ms = 8 * (24 * hour_ms);

}  // namespace mailorigin::store
