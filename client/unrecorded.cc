#include "client/unrecorded.h"

#include <unistd.h>

#include "core/text.h"

namespace mailorigin::client {

namespace {

constexpr std::size_t value_limit = 1024;  // bytes

// What the mail itself says stands last, since the line's limit cuts there.
constexpr Field told_fields[] = {
    Field::caller, Field::entry, Field::pool,       Field::recipients, Field::stack,
    Field::from,   Field::to,    Field::message_id, Field::subject,
};

// Nothing for an empty value.
void append_quoted(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  std::string line;
  append_one_line(line, cut(value, value_limit));
  out += ' ';
  out += name;
  out += "=\"";
  for (const char character : cut(line, value_limit)) {
    if (character == '"') out += '\\';
    out += character;
  }
  out += '"';
}

}  // namespace

std::string unrecorded_line(const Event& claims, std::string_view cause) {
  std::string line = "MO0301: mail left unrecorded:";
  line += " uid=" + std::to_string(getuid());
  append_quoted(line, "function", claims.get(Field::function));
  append_quoted(line, "file", claims.get(Field::file) + ':' + claims.get(Field::line));
  append_quoted(line, "cause", cause);
  for (const Field field : told_fields) append_quoted(line, info(field).name, claims.get(field));
  return line;
}

}  // namespace mailorigin::client
