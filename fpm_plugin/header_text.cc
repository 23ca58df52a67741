#include "fpm_plugin/header_text.h"

#include <algorithm>

namespace mailorigin::php {

namespace {

bool is_line_end(char character) { return character == '\r' || character == '\n'; }

bool is_blank(char character) { return character == ' ' || character == '\t'; }

// isspace() and iscntrl() of the C locale, in which PHP runs until a script
// changes it.
bool is_space(char character) {
  return character == ' ' || (character >= '\t' && character <= '\r');
}

bool is_control(char character) {
  return static_cast<unsigned char>(character) < 32 || character == 127;
}

// The length of a line end at `at`, 1 or 2.
std::size_t line_end_length(std::string_view text, std::size_t at) {
  return text.substr(at).starts_with("\r\n") ? 2 : 1;
}

// The first loose line end at or after `from`, npos if there is none.
std::size_t find_loose_line_end(std::string_view text, std::size_t from) {
  for (std::size_t at = text.find_first_of("\r\n", from); at != text.npos;) {
    const std::size_t next = at + line_end_length(text, at);
    const std::size_t word = text.find_first_not_of(" \t", next);
    if (word == next || word == text.npos || is_line_end(text[word])) return at;
    at = text.find_first_of("\r\n", next);
  }
  return text.npos;
}

}  // namespace

bool php_refuses(std::string_view headers, bool below_x_header) {
  if (headers.empty()) return false;
  const auto at = [&](std::size_t i) { return i < headers.size() ? headers[i] : '\0'; };
  const auto first = static_cast<signed char>(headers.front());
  if (below_x_header ? is_line_end(headers.front()) : first < 33 || first > 126 || first == ':') {
    return true;
  }
  for (std::size_t i = 0; i < headers.size();) {
    if (!is_line_end(at(i))) {
      i++;
      continue;
    }
    const char next = at(i + 1);
    if (next == '\0' || next == '\r') return true;
    if (next == '\n' && (at(i) == '\n' || at(i + 2) == '\0' || is_line_end(at(i + 2)))) return true;
    // PHP steps over the character after a line end, whatever it is.
    i += 2;
  }
  return false;
}

std::string as_mail_sends(std::string_view text) {
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  std::string out(text);
  for (std::size_t i = 0; i < out.size(); i++) {
    if (!is_control(out[i])) continue;
    if (out.compare(i, 2, "\r\n") == 0 && i + 2 < out.size() && is_blank(out[i + 2])) {
      i += 2;
      while (i + 1 < out.size() && is_blank(out[i + 1])) i++;
      continue;
    }
    out[i] = ' ';
  }
  return out;
}

bool has_loose_line_end(std::string_view text) {
  return find_loose_line_end(text, 0) != std::string_view::npos;
}

void blank_loose_line_ends(char* text, std::size_t length) {
  const std::string_view view(text, length);
  for (std::size_t at = find_loose_line_end(view, 0); at != view.npos;
       at = find_loose_line_end(view, at)) {
    const std::size_t end = at + line_end_length(view, at);
    std::fill(text + at, text + end, ' ');
    at = end;
  }
}

}  // namespace mailorigin::php
