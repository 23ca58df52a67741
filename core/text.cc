#include "core/text.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "core/unseen_characters.h"

namespace mailorigin {

namespace {

constexpr std::size_t header_value_limit = 900;

// Bytes that every line may hold as they are: most of what is looked at.
constexpr auto printable = [] {
  std::array<bool, 256> table{};
  for (std::size_t byte = 0x20; byte < 0x7F; byte++) table[byte] = true;
  return table;
}();

unsigned char byte_at(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]);
}

bool continues(std::string_view text, std::size_t at) {
  return at < text.size() && (byte_at(text, at) & 0xC0) == 0x80;
}

char lower(char character) {
  return character >= 'A' && character <= 'Z' ? static_cast<char>(character - 'A' + 'a')
                                              : character;
}

void append_escaped(std::string& out, unsigned char byte) {
  out += "\\x";
  append_hex(out, byte);
}

}  // namespace

std::size_t utf8_character(std::string_view text) {
  if (text.empty()) return 0;
  const unsigned char first = byte_at(text, 0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return continues(text, 1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (!continues(text, 1) || !continues(text, 2)) return 0;
    const unsigned char second = byte_at(text, 1);
    if (first == 0xE0 && second < 0xA0) return 0;  // overlong
    if (first == 0xED && second > 0x9F) return 0;  // surrogate
    return 3;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (!continues(text, 1) || !continues(text, 2) || !continues(text, 3)) return 0;
    const unsigned char second = byte_at(text, 1);
    if (first == 0xF0 && second < 0x90) return 0;  // overlong
    if (first == 0xF4 && second > 0x8F) return 0;  // past U+10FFFF
    return 4;
  }
  return 0;
}

namespace {

// Of one character of two to four bytes.
std::uint32_t code_point(std::string_view character) {
  // The first byte has as many bits less as there are bytes.
  std::uint32_t point = byte_at(character, 0) & (0x7FU >> character.size());
  for (std::size_t i = 1; i < character.size(); i++) {
    point = point << 6 | (byte_at(character, i) & 0x3FU);
  }
  return point;
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& each : out) each = lower(each);
  return out;
}

void append_hex(std::string& out, unsigned char byte) {
  constexpr std::string_view digits = "0123456789abcdef";
  out += digits[byte >> 4];
  out += digits[byte & 15];
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view white_space = " \t\r\n\v\f";
  const std::size_t first = text.find_first_not_of(white_space);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(white_space) - first + 1);
}

std::string_view cut(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  // A character of up to four bytes may straddle the limit: step back to its
  // first byte, but not further, since the bytes need not be UTF-8 at all.
  std::size_t end = limit;
  for (std::size_t back = 0; back < 3 && end > 0 && continues(text, end); back++) end--;
  if (end < limit && utf8_character(text.substr(end)) <= limit - end) end = limit;
  return text.substr(0, end);
}

void append_one_line(std::string& out, std::string_view text) {
  std::size_t plain = 0;  // start of bytes that need no change
  std::size_t at = 0;
  const auto flush = [&] { out += text.substr(plain, at - plain); };
  for (;;) {
    while (at < text.size() && printable[byte_at(text, at)]) at++;
    if (at == text.size()) break;
    const unsigned char byte = byte_at(text, at);
    const std::size_t length = utf8_character(text.substr(at));
    if (length > 1 && !is_unseen(code_point(text.substr(at, length)))) {
      at += length;
      continue;
    }
    flush();
    if (byte == '\r' || byte == '\n') {
      out += ' ';
      at++;
    } else {
      const std::size_t end = at + (length == 0 ? 1 : length);
      for (; at < end; at++) append_escaped(out, byte_at(text, at));
    }
    plain = at;
  }
  flush();
}

std::string one_line(std::string_view text) {
  std::string out;
  append_one_line(out, text);
  return out;
}

std::string header_value(std::string_view text) {
  std::string line;
  append_one_line(line, text);
  std::string out;
  for (const char character : line) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte >= 0x20 && byte < 0x7F) {
      out += character;
    } else {
      append_escaped(out, byte);
    }
  }
  return std::string(cut(out, header_value_limit));
}

}  // namespace mailorigin
