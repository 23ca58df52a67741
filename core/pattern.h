// A regular expression (PCRE2, as httpd's own directives have them) whose match
// takes a bounded time, whatever the expression and the subject.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/result.h"

struct pcre2_real_code_8;
struct pcre2_real_match_data_8;

namespace mailorigin {

class Pattern {
 public:
  static constexpr std::size_t length_limit = 4096;  // of the expression, in bytes

  // The error is PCRE2's, with the place where the expression goes wrong.
  static Result<Pattern> compile(const std::string& expression);

  // Unanchored, on bytes. A match that takes more than 10,000 steps of
  // backtracking is given up: `gave_up` becomes true, and it counts as a match,
  // for a rule that forbids must not be talked out of it by a slow name.
  // Not for several threads at once.
  bool matches(std::string_view subject, bool& gave_up) const;

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  struct Free {
    void operator()(pcre2_real_code_8* code) const;
    void operator()(pcre2_real_match_data_8* data) const;
  };
  Pattern() = default;

  std::string text_;
  std::unique_ptr<pcre2_real_code_8, Free> code_;
  std::unique_ptr<pcre2_real_match_data_8, Free> match_;
};

}  // namespace mailorigin
