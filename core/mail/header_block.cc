#include "core/mail/header_block.h"

#include "core/text.h"

namespace mailorigin {

namespace {

bool is_blank(char character) { return character == ' ' || character == '\t'; }

// Some readers take more for a blank than RFC 5322 does.
std::string_view without_blanks_around(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n\v\f";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

}  // namespace

// With its end.
std::size_t HeaderBlock::line_length(std::size_t from) const {
  const std::string_view text = rest_.substr(from);
  const bool cr_ends = lines_ == Lines::ended_by_cr_too;
  const std::size_t end = cr_ends ? text.find_first_of("\r\n") : text.find('\n');
  if (end == std::string_view::npos) return text.size();
  return end + (text.substr(end).starts_with("\r\n") ? 2 : 1);
}

std::optional<HeaderField> HeaderBlock::next() {
  if (rest_.empty()) return std::nullopt;
  std::size_t length = line_length(0);
  while (length < rest_.size() && is_blank(rest_[length])) length += line_length(length);
  HeaderField field;
  field.whole = rest_.substr(0, length);
  rest_.remove_prefix(length);
  // Some readers unfold first, and find the colon on a continuation line.
  const std::size_t colon = field.whole.find(':');
  if (colon != std::string_view::npos) {
    field.name = without_blanks_around(field.whole.substr(0, colon));
    field.body = field.whole.substr(colon + 1);
  }
  return field;
}

std::string without_field(std::string_view headers, std::string_view name) {
  std::string out;
  HeaderBlock fields(headers, HeaderBlock::Lines::ended_by_cr_too);
  while (const auto field = fields.next()) {
    if (!equal_ignoring_case(field->name, name)) out += field->whole;
  }
  return out;
}

std::string field_value(std::string_view headers, std::string_view name) {
  HeaderBlock fields(headers, HeaderBlock::Lines::ended_by_cr_too);
  while (const auto field = fields.next()) {
    if (equal_ignoring_case(field->name, name)) return unfolded(field->body);
  }
  return {};
}

std::string unfolded(std::string_view body) {
  std::string out;
  for (std::size_t i = 0; i < body.size(); i++) {
    const bool line_end = body[i] == '\n' || (body.substr(i).starts_with("\r\n")) ||
                          (body[i] == '\r' && i + 1 == body.size());
    if (!line_end) out += body[i];
  }
  const auto first = out.find_first_not_of(" \t");
  if (first == std::string::npos) return {};
  return out.substr(first, out.find_last_not_of(" \t") - first + 1);
}

}  // namespace mailorigin
