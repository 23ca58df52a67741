#include "investigating/php_tokens.h"

#include <algorithm>
#include <utility>

#include "core/text.h"

namespace mailorigin::investigating {

namespace {

constexpr std::size_t look_ahead = 128;  // a heredoc's label is the longest that is looked at
constexpr std::size_t label_limit = 64;
constexpr std::size_t depth_limit = 64;  // of code within strings

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool begins_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool is_of_name(char c) { return begins_name(c) || is_digit(c); }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_text(char c) { return (c >= ' ' && c < '\x7f') || is_space(c); }

// "x65", "145", "u{65}": what is written as itself unless somebody hides it.
bool escapes_letter(std::string_view code) {
  int base = 8;
  if (code.starts_with('x') || code.starts_with("u{")) {
    base = 16;
    code.remove_prefix(code[0] == 'x' ? 1 : 2);
  }
  int value = 0;
  const std::size_t most = base == 16 ? 2 : 3;
  std::size_t digits = 0;
  for (; digits < std::min(most, code.size()); digits++) {
    const char c = lower(code[digits]);
    const int digit = is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : base;
    if (digit >= base) break;
    value = value * base + digit;
  }
  const char c = static_cast<char>(value);
  return digits > 1 && value < 0x80 && (is_of_name(c) || c == '/' || c == '.');
}

}  // namespace

void PhpTokens::add(std::string_view bytes) {
  buffer_.append(bytes);
  run(false);
}

void PhpTokens::finish() {
  run(true);
  if (text_.empty()) return;
  give(state_ == State::name       ? PhpToken::Kind::name
       : state_ == State::variable ? PhpToken::Kind::variable
       : state_ == State::number   ? PhpToken::Kind::number
                                   : PhpToken::Kind::string);
}

void PhpTokens::run(bool to_the_end) {
  const std::size_t ahead = to_the_end ? 0 : look_ahead;
  while (at_ + ahead < buffer_.size()) step();
  buffer_.erase(0, at_);
  at_ = 0;
}

void PhpTokens::step() {
  switch (state_) {
    case State::outside:
      return outside();
    case State::code:
      return code();
    case State::line_comment:
      if (is_next("?>") || at(0) == '\n') {
        state_ = State::code;
      } else {
        at_++;
      }
      return;
    case State::block_comment:
      if (is_next("*/")) {
        at_ += 2;
        state_ = State::code;
      } else {
        at_++;
      }
      return;
    case State::name:
      return word(State::name, PhpToken::Kind::name);
    case State::variable:
      return word(State::variable, PhpToken::Kind::variable);
    case State::number:
      return word(State::number, PhpToken::Kind::number);
    case State::single_quoted:
      return quoted('\'');
    case State::double_quoted:
      return quoted('"');
    case State::backquoted:
      return quoted('`');
    case State::heredoc:
      return heredoc();
  }
}

void PhpTokens::outside() {
  // Most of a large file is none of ours.
  const std::size_t tag = buffer_.find("<?", at_);
  if (tag != at_) {
    // A tag may have begun with the last byte.
    const std::size_t rest = buffer_.size() - (buffer_.back() == '<' ? 1 : 0);
    at_ = tag == std::string::npos ? std::max(at_ + 1, rest) : tag;
    return;
  }
  const bool long_tag = lower(at(2)) == 'p' && lower(at(3)) == 'h' && lower(at(4)) == 'p' &&
                        (is_space(at(5)) || at(5) == '\0');
  const bool short_tag = at(2) == '=' || is_space(at(2));
  if (!long_tag && !short_tag) {
    at_ += 2;
    return;
  }
  at_ += long_tag ? 5 : 3;
  // Two bytes of an image may be a short tag, what follows is no text then.
  constexpr std::size_t looked_at = 16;
  const auto text = std::string_view(buffer_).substr(at_, looked_at);
  if (!long_tag && (text.empty() || !std::all_of(text.begin(), text.end(), is_text))) return;
  any_code_ = true;
  state_ = State::code;
}

void PhpTokens::code() {
  const char c = at(0);
  if (is_space(c)) {
    at_++;
    return;
  }
  if (is_next("?>")) {
    at_ += 2;
    text_ = ";";
    give(PhpToken::Kind::sign);
    state_ = State::outside;
    within_.clear();
    braces_ = 0;
    return;
  }
  if (is_next("//") || (c == '#' && at(1) != '[')) {
    state_ = State::line_comment;
    return;
  }
  if (is_next("/*")) {
    at_ += 2;
    state_ = State::block_comment;
    return;
  }
  if (is_next("<<<") && heredoc_begins()) return;
  if (begins_name(c) || (c == '\\' && begins_name(at(1)))) {
    if (c == '\\') at_++;
    state_ = State::name;
    return;
  }
  if (c == '$' && begins_name(at(1))) {
    at_++;
    state_ = State::variable;
    return;
  }
  if (is_digit(c)) {
    state_ = State::number;
    return;
  }
  at_++;
  if (c == '\'' || c == '"' || c == '`') {
    state_ = c == '\'' ? State::single_quoted : c == '"' ? State::double_quoted : State::backquoted;
    return;
  }
  if (c == '{') braces_++;
  if (c == '}') {
    if (braces_ == 0 && !within_.empty()) {
      state_ = within_.back().state;
      braces_ = within_.back().braces;
      within_.pop_back();
      return;
    }
    braces_ -= std::min<std::size_t>(braces_, 1);
  }
  text_ = c;
  give(PhpToken::Kind::sign);
}

void PhpTokens::word(State state, PhpToken::Kind kind) {
  const char c = at(0);
  const bool more =
      is_of_name(c) || (state == State::name && c == '\\') || (state == State::number && c == '.');
  if (!more) {
    state_ = State::code;
    give(kind);
    return;
  }
  keep(state == State::name ? lower(c) : c);
  at_++;
}

void PhpTokens::quoted(char end) {
  const char c = at(0);
  if (c == end) {
    at_++;
    state_ = State::code;
    give(PhpToken::Kind::string);
    return;
  }
  if (c == '\\') {
    if (end != '\'' && escapes_letter(std::string_view(buffer_).substr(at_ + 1, 4))) escapes_++;
    keep(c);
    keep(at(1));
    at_ = std::min(at_ + 2, buffer_.size());
    return;
  }
  if (end != '\'' && begins_code_within()) return;
  keep(c);
  at_++;
}

bool PhpTokens::begins_code_within() {
  const bool begins = is_next("{$") || is_next("${");
  if (!begins || within_.size() == depth_limit) return false;
  if (!text_.empty()) give(PhpToken::Kind::string);
  within_.push_back({state_, braces_});
  braces_ = 0;
  // "${name}" names a variable: its name is read as one.
  at_ += is_next("{$") ? 1 : 2;
  state_ = State::code;
  return true;
}

bool PhpTokens::heredoc_begins() {
  std::size_t i = 3;
  while (at(i) == ' ' || at(i) == '\t') i++;
  const char quote = at(i) == '"' || at(i) == '\'' ? at(i) : '\0';
  if (quote != '\0') i++;
  std::string label;
  while (is_of_name(at(i)) && label.size() < label_limit) label += at(i++);
  if (quote != '\0' && at(i++) != quote) return false;
  if (label.empty() || is_digit(label[0]) || i > look_ahead) return false;
  if (at(i) == '\r') i++;
  if (at(i) != '\n') return false;
  at_ += i + 1;
  label_ = std::move(label);
  nowdoc_ = quote == '\'';
  line_begins_ = true;
  state_ = State::heredoc;
  return true;
}

void PhpTokens::heredoc() {
  const char c = at(0);
  if (line_begins_) {
    if (c == ' ' || c == '\t') {
      at_++;
      return;
    }
    line_begins_ = false;
    if (is_next(label_) && !is_of_name(at(label_.size()))) {
      at_ += label_.size();
      state_ = State::code;
      give(PhpToken::Kind::string);
      return;
    }
  }
  if (!nowdoc_ && c == '\\') {
    keep(c);
    at_ = std::min(at_ + (at(1) == '\n' ? 1 : 2), buffer_.size());
    return;
  }
  if (!nowdoc_ && begins_code_within()) return;
  line_begins_ = c == '\n';
  keep(c);
  at_++;
}

void PhpTokens::keep(char c) {
  if (text_.size() < php_text_limit) text_ += c;
}

void PhpTokens::give(PhpToken::Kind kind) {
  // What the taker does may not see a string that grows.
  const std::string text = std::exchange(text_, {});
  take_({kind, text, std::exchange(escapes_, 0)});
}

}  // namespace mailorigin::investigating
