#include "client/header_fields.h"

#include <algorithm>

#include "core/mail/header_block.h"
#include "core/text.h"

namespace mailorigin::client {

namespace {

bool is_line_end(char character) { return character == '\r' || character == '\n'; }

bool is_field_name(std::string_view name) {
  return !name.empty() && name.size() <= 76 && std::all_of(name.begin(), name.end(), [](char c) {
    return c > 32 && c < 127 && c != ':';
  });
}

}  // namespace

HeaderFields usable_fields(const HeaderFields& fields) {
  HeaderFields usable;
  for (const auto& field : fields) {
    const auto is_same = [&](const auto& other) {
      return equal_ignoring_case(other.first, field.first);
    };
    const bool taken = equal_ignoring_case(field.first, "To") ||
                       equal_ignoring_case(field.first, "Subject") ||
                       std::any_of(usable.begin(), usable.end(), is_same);
    if (is_field_name(field.first) && !taken) {
      usable.emplace_back(field.first, header_value(field.second));
    }
  }
  return usable;
}

std::string with_fields_in_front(const HeaderFields& fields, std::string_view headers,
                                 std::string_view line_end) {
  std::string kept(headers);
  for (const auto& field : fields) kept = without_field(kept, field.first);
  // A copy that stood last leaves the line end before it, which PHP refuses.
  if (kept.size() < headers.size()) {
    while (!kept.empty() && is_line_end(kept.back())) kept.pop_back();
  }
  // A blank in front would fold the mail's first line into our field.
  std::size_t start = 0;
  while (start < kept.size() && static_cast<unsigned char>(kept[start]) < 33) start++;

  std::string out;
  for (const auto& [name, value] : fields) {
    if (!out.empty()) out += line_end;
    out += name;
    out += ": ";
    out += value;
  }
  if (start < kept.size()) {
    out += line_end;
    out.append(kept, start);
  }
  return out;
}

}  // namespace mailorigin::client
