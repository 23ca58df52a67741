// A mail's header block, field by field, read from hostile bytes.
//
// A field continues on lines that begin with a blank (RFC 5322, 2.2.3).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mailorigin {

struct HeaderField {
  std::string_view whole;  // with line ends
  std::string_view name;   // without blanks around it; empty where there is no colon
  std::string_view body;   // after the colon, with folds and line ends
};

class HeaderBlock {
 public:
  // Mail servers differ in whether a carriage return alone ends a line.
  enum class Lines { ended_by_lf, ended_by_cr_too };

  HeaderBlock(std::string_view headers, Lines lines) : rest_(headers), lines_(lines) {}

  std::optional<HeaderField> next();

 private:
  [[nodiscard]] std::size_t line_length(std::size_t from) const;

  std::string_view rest_;
  Lines lines_;
};

// The fields without any named `name` (case is ignored), their continuation
// lines included; a carriage return alone ends a line.
std::string without_field(std::string_view headers, std::string_view name);

// The unfolded value of the first field of that name; empty if there is none.
std::string field_value(std::string_view headers, std::string_view name);

// Without folds and the line end; a carriage return that belongs to neither stays.
std::string unfolded(std::string_view body);

}  // namespace mailorigin
