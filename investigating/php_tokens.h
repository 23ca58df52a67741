// PHP's words in bytes of any kind, as they come: enough of its lexical grammar that comments,
// strings and heredocs hide nothing, and are not taken for code.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailorigin::investigating {

struct PhpToken {
  enum class Kind : std::uint8_t { name, variable, string, number, sign };
  Kind kind = Kind::sign;
  // A name in lower case and without its leading namespace separator; a variable without "$"; of a
  // string what stands between its quotes, as written, in parts where there is code in it; one byte
  // of anything else. At most php_text_limit bytes of it. The end of a section of code is the sign
  // ";".
  std::string_view text;
  std::size_t escapes = 0;  // of a string: letters that are written as "\x41", "\101" or "\u{41}"
};
inline constexpr std::size_t php_text_limit = 256;

class PhpTokens {
 public:
  explicit PhpTokens(std::function<void(const PhpToken&)> take) : take_(std::move(take)) {}

  void add(std::string_view bytes);
  void finish();

  // Whether there was "<?php", or "<?=" or "<?" before what reads like text.
  [[nodiscard]] bool any_code() const { return any_code_; }

 private:
  enum class State : std::uint8_t {
    outside,
    code,
    line_comment,
    block_comment,
    name,
    variable,
    number,
    single_quoted,
    double_quoted,
    backquoted,
    heredoc,
  };
  // Code within a string: "{$a[b()]}".
  struct Within {
    State state;
    std::size_t braces;
  };

  void run(bool to_the_end);
  void step();
  void outside();
  void code();
  void word(State state, PhpToken::Kind kind);
  void quoted(char end);
  void heredoc();
  bool begins_code_within();
  bool heredoc_begins();
  void give(PhpToken::Kind kind);
  void keep(char c);
  [[nodiscard]] char at(std::size_t offset) const {
    return at_ + offset < buffer_.size() ? buffer_[at_ + offset] : '\0';
  }
  [[nodiscard]] bool is_next(std::string_view text) const {
    return std::string_view(buffer_).substr(at_).starts_with(text);
  }

  const std::function<void(const PhpToken&)> take_;
  std::string buffer_;
  std::size_t at_ = 0;
  State state_ = State::outside;
  std::vector<Within> within_;
  std::size_t braces_ = 0;
  std::string label_;  // of a heredoc
  bool nowdoc_ = false;
  bool line_begins_ = false;  // in a heredoc
  std::string text_;
  std::size_t escapes_ = 0;
  bool any_code_ = false;
};

}  // namespace mailorigin::investigating
