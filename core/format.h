// The format language of MailOriginLogFormat and MailOriginHeader.
//
// `%{name}` is a field of the event, `%%` a percent sign, anything else itself.
// Three formats exist: php (PHP's own mail.log line), logfmt and json.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/event.h"
#include "core/result.h"

namespace mailorigin {

class Format {
 public:
  // Nothing for a name that is not predefined.
  static std::optional<Format> predefined(std::string_view name);
  // The error names the offending piece and what is accepted.
  static Result<Format> parse(std::string_view text);

  // One line without its newline: whatever the event holds, no CR or LF.
  void append(std::string& out, const Event& event) const;

 private:
  enum class Kind { custom, php, logfmt, json };
  using Item = std::variant<std::string, Field>;

  Kind kind_ = Kind::custom;
  std::vector<Item> items_;  // for custom
};

}  // namespace mailorigin
