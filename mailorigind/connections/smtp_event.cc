#include "mailorigind/connections/smtp_event.h"

#include <cstring>

namespace mailorigin::daemon {

namespace {

template <std::size_t size>
std::string_view text(const char (&bytes)[size]) {
  return {bytes, strnlen(bytes, size)};
}

}  // namespace

std::optional<mo_smtp_event> smtp_event_of(std::string_view record) {
  if (record.size() != sizeof(mo_smtp_event) && record.size() != short_smtp_event) {
    return std::nullopt;
  }
  mo_smtp_event event{};
  std::memcpy(&event, record.data(), record.size());
  return event;
}

OriginParts parts_of(const mo_origin& origin) {
  const std::string_view all(reinterpret_cast<const char*>(origin.bytes), sizeof origin.bytes);
  const std::size_t file = origin.context_size;
  const std::size_t caller = file + origin.file_size;
  if (caller + origin.caller_size > all.size()) return {};
  return {all.substr(0, file), all.substr(file, origin.file_size),
          all.substr(caller, origin.caller_size)};
}

std::string_view program_name(const mo_smtp_event& event) { return text(event.comm); }

// The kernel gives the name first, then its directories upwards.
std::string program_path(const mo_smtp_event& event) {
  std::string path;
  for (const auto& part : event.exe) {
    const std::string_view name = text(part);
    if (name.empty()) break;
    path.insert(0, '/' + std::string(name));
  }
  return path;
}

}  // namespace mailorigin::daemon
