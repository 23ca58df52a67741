#include "core/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <cstdint>

namespace mailorigin {

namespace {

constexpr std::uint32_t match_limit = 10'000;
constexpr std::uint32_t heap_limit_kib = 1024;

// One for all: a context only carries the limits, and is not changed by a match.
pcre2_match_context* limits() {
  static pcre2_match_context* const context = [] {
    auto* made = pcre2_match_context_create(nullptr);
    pcre2_set_match_limit(made, match_limit);
    pcre2_set_heap_limit(made, heap_limit_kib);
    return made;
  }();
  return context;
}

}  // namespace

void Pattern::Free::operator()(pcre2_real_code_8* code) const { pcre2_code_free(code); }
void Pattern::Free::operator()(pcre2_real_match_data_8* data) const { pcre2_match_data_free(data); }

Result<Pattern> Pattern::compile(const std::string& expression) {
  if (expression.size() > length_limit) {
    return Error{"a regular expression has at most " + std::to_string(length_limit) + " bytes"};
  }
  int fault = 0;
  std::size_t place = 0;
  Pattern pattern;
  pattern.code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expression.data()),
                                    expression.size(), 0, &fault, &place, nullptr));
  if (!pattern.code_) {
    unsigned char message[256];
    pcre2_get_error_message(fault, message, sizeof message);
    return Error{"'" + expression + "': " + reinterpret_cast<const char*>(message) + " at byte " +
                 std::to_string(place)};
  }
  // Where there is no JIT, the interpreter does the same, slower.
  (void)pcre2_jit_compile(pattern.code_.get(), PCRE2_JIT_COMPLETE);
  pattern.match_.reset(pcre2_match_data_create_from_pattern(pattern.code_.get(), nullptr));
  pattern.text_ = expression;
  return pattern;
}

bool Pattern::matches(std::string_view subject, bool& gave_up) const {
  const int found = pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(subject.data()),
                                subject.size(), 0, 0, match_.get(), limits());
  if (found >= 0) return true;
  if (found == PCRE2_ERROR_NOMATCH) return false;
  gave_up = true;
  return true;
}

}  // namespace mailorigin
