#include "core/mail/address_lexer.h"

#include <array>

namespace mailorigin {

namespace {

using Kind = AddressToken::Kind;

bool is_control(char character) {
  return static_cast<unsigned char>(character) < 32 || character == 127;
}

constexpr std::array<bool, 256> atext = [] {
  std::array<bool, 256> table{};
  for (std::size_t i = 0; i < table.size(); i++) {
    table[i] =
        i > ' ' && i != 127 &&
        std::string_view("()<>[]:;@\\,.\"").find(static_cast<char>(i)) == std::string_view::npos;
  }
  return table;
}();

bool is_atext(char character) { return atext[static_cast<unsigned char>(character)]; }

// The length of a blank at the start, 0 if there is none: a line end only where
// the next line goes on or the text ends.
std::size_t blank_length(std::string_view text) {
  if (text.empty()) return 0;
  if (text.front() == ' ' || text.front() == '\t') return 1;
  const std::size_t length = text.starts_with("\r\n") ? 2 : text.front() == '\n' ? 1 : 0;
  const bool goes_on = length == text.size() || text[length] == ' ' || text[length] == '\t';
  return goes_on ? length : 0;
}

// The length of what begins with `open` and ends with its `close`, 0 if it does
// not end.
std::size_t enclosed_length(std::string_view text, char open, char close) {
  std::size_t depth = 1;
  for (std::size_t i = 1; i < text.size(); i++) {
    const char character = text[i];
    if (const std::size_t blank = blank_length(text.substr(i)); blank > 0) {
      i += blank - 1;
    } else if (is_control(character)) {
      return 0;
    } else if (character == '\\') {
      i++;
      if (i == text.size() || is_control(text[i])) return 0;
    } else if (character == close) {
      if (--depth == 0) return i + 1;
    } else if (character == open) {
      if (open != '(') return 0;  // only comments hold others
      depth++;
    }
  }
  return 0;
}

}  // namespace

AddressToken AddressLexer::take(Kind kind, std::size_t length) {
  const AddressToken token{kind, rest_.substr(0, length)};
  rest_.remove_prefix(length);
  return token;
}

std::optional<AddressToken> AddressLexer::next() {
  if (rest_.empty()) return std::nullopt;
  const auto take_enclosed = [&](Kind kind, char close) {
    const std::size_t length = enclosed_length(rest_, rest_.front(), close);
    return length > 0 ? take(kind, length) : take(Kind::stray, rest_.size());
  };
  std::size_t length = 0;
  while (const std::size_t blank = blank_length(rest_.substr(length))) length += blank;
  if (length > 0) return take(Kind::blank, length);
  switch (rest_.front()) {
    case '(':
      return take_enclosed(Kind::comment, ')');
    case '"':
      return take_enclosed(Kind::quoted, '"');
    case '[':
      return take_enclosed(Kind::literal, ']');
    case '<':
    case '>':
    case '@':
    case ',':
    case ';':
    case ':':
    case '.':
      return take(Kind::special, 1);
    default:
      break;
  }
  while (length < rest_.size() && is_atext(rest_[length])) length++;
  return length > 0 ? take(Kind::atom, length) : take(Kind::stray, 1);
}

bool is_closed(std::string_view list) {
  AddressLexer lexer(list);
  while (const auto token = lexer.next()) {
    const bool opens = std::string_view("\"([").find(token->text.front()) != std::string_view::npos;
    if (token->kind == Kind::stray && opens) return false;
  }
  return true;
}

}  // namespace mailorigin
