// An event: one attempt to send, with everything that is known about its origin.
//
// The table of fields is the single place where a field's name, type, limit and
// source are written; formats, the journal, the wire and JSON all read it.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mailorigin {

enum class Field : std::uint8_t {
  time,
  id,
  host,
  kind,
  verdict,
  reason,
  verified,
  vhost,
  site,
  docroot,
  entry,
  file,
  line,
  caller,
  stack,
  eval,
  function,
  sapi,
  pool,
  pid,
  uid,
  gid,
  user,
  suexec_uid,
  client,
  method,
  uri,
  request_id,
  to,
  from,
  envelope_from,
  recipients,
  subject,
  headers,
  message_id,
  size,
  truncated,
  dst,
  dst_port,
  relay,
  comm,
  exe,
  detached,
  queue_id,
  mail_id,
  cookie,
  uid_from,
  origin_from,
  block,
};
inline constexpr std::size_t field_count = static_cast<std::size_t>(Field::block) + 1;

enum class FieldType : std::uint8_t { text, number, boolean };

// Who may say it: httpd in its sealed context, the sending process about
// itself, or the daemon (from the kernel and its own decision).
enum class FieldSource : std::uint8_t { daemon, context, claim };

struct FieldInfo {
  std::string_view name;
  FieldType type;
  FieldSource source;
  std::size_t limit;  // bytes; longer values are cut and `truncated` is set
};

const FieldInfo& info(Field field);
std::optional<Field> field_named(std::string_view name);

// Values are text; an empty one is unknown. A boolean is "true" or unknown.
class Event {
 public:
  [[nodiscard]] const std::string& get(Field field) const {
    return values_[static_cast<std::size_t>(field)];
  }
  [[nodiscard]] bool has(Field field) const { return !get(field).empty(); }

  // Cuts text to the field's limit at a UTF-8 character and then sets truncated.
  // A number or boolean that is not one is dropped: claims are hostile.
  void set(Field field, std::string_view value);
  void set(Field field, std::uint64_t value);
  template <std::same_as<bool> Bool>  // a char* must not become one
  void set(Field field, Bool value) {
    values_[static_cast<std::size_t>(field)] = value ? "true" : "";
  }
  // Everything unknown again; the memory is kept for what comes next.
  void clear() {
    for (std::string& value : values_) value.clear();
  }

  bool operator==(const Event&) const = default;

 private:
  std::array<std::string, field_count> values_;
};

// What an event's kind is: how the mail was about to leave.
inline constexpr std::string_view mail_kind = "mail";      // a function of PHP's
inline constexpr std::string_view submit_kind = "submit";  // a program hands it to the mail server
inline constexpr std::string_view smtp_kind = "smtp";      // a connection
inline constexpr std::string_view queue_kind = "queue";    // a recorded mail is in the queue

// Appends every known field as a name-value pair. Readers take each pair with
// field_named() and Event::set().
void append_event(std::string& out, const Event& event);

// The time field's form: RFC 3339, UTC, milliseconds ("2026-11-21T12:00:00.123Z").
std::string rfc3339(std::uint64_t milliseconds_since_epoch);
// Nothing if it is not of that form.
std::optional<std::uint64_t> parse_rfc3339(std::string_view text);

}  // namespace mailorigin
