#include "cli/output.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "core/text.h"
#include "reports/fields.h"
#include "reports/remedies.h"

namespace mailorigin::cli {

std::string printable(std::string_view text) { return one_line(text); }

namespace {

// Length in bytes of the character that a text begins with, and the columns that it takes. What is
// printed is UTF-8. East Asia's and symbols are wide; some are not, and none is wider than that.
struct Glyph {
  std::size_t size;
  std::size_t columns;
};
Glyph first_glyph(std::string_view text) {
  const std::size_t size = std::max<std::size_t>(utf8_character(text), 1);
  const std::string_view character = text.substr(0, size);
  const bool hangul = character >= "\xe1\x84\x80" && character < "\xe1\x85\xa0";       // U+1100
  const bool symbol = character >= "\xe2\x8c\x80" && character < "\xe2\xb0\x80";       // U+2300
  const bool is_wide = size > 2 && (hangul || symbol || character >= "\xe2\xba\x80");  // U+2E80
  return {size, is_wide ? 2U : 1U};
}

// In columns.
std::size_t width(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const Glyph glyph = first_glyph(text);
    columns += glyph.columns;
    text.remove_prefix(glyph.size);
  }
  return columns;
}

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

struct Layout {
  std::vector<std::vector<std::string>> cells;  // printable
  std::vector<std::size_t> widths;

  // Of all columns but the last, with the blanks behind them.
  [[nodiscard]] std::size_t width_before_last() const {
    std::size_t sum = 0;
    for (std::size_t i = 0; i + 1 < widths.size(); i++) sum += widths[i] + 2;
    return sum;
  }
  // The first cells of a line, with the blanks behind them.
  [[nodiscard]] std::string head(const std::vector<std::string>& line, std::size_t count) const {
    std::string out;
    for (std::size_t i = 0; i < std::min(count, line.size()); i++) {
      out += line[i];
      out.append(widths[i] - width(line[i]) + 2, ' ');
    }
    return out;
  }
};

Layout layout_of(const std::vector<std::vector<std::string>>& rows) {
  Layout layout;
  for (const auto& row : rows) {
    auto& line = layout.cells.emplace_back();
    layout.widths.resize(std::max(layout.widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); i++) {
      line.push_back(printable(row[i]));
      layout.widths[i] = std::max(layout.widths[i], width(line[i]));
    }
  }
  return layout;
}

// Within `room` columns.
std::string end_of(const std::string& text, std::size_t room) {
  constexpr std::string_view left_out = "..";
  if (width(text) <= room) return text;
  std::size_t begin = text.size();
  for (std::size_t taken = left_out.size(); taken < room; taken++) {
    do {
      begin--;
    } while ((static_cast<unsigned char>(text[begin]) & 0xc0) == 0x80);
  }
  return std::string(left_out) + text.substr(begin);
}

}  // namespace

std::string Table::text(std::size_t indent) const {
  const Layout layout = layout_of(rows_);
  std::string out;
  for (const auto& line : layout.cells) {
    out.append(indent, ' ').append(layout.head(line, line.size()));
    while (out.ends_with(' ')) out.pop_back();
    out += '\n';
  }
  return out;
}

std::string Table::fitting(const Style& style, std::size_t indent) const {
  std::string whole = text(indent);
  if (style.fits(whole) || rows_.empty()) return whole;
  const std::vector<std::string>& names = rows_.front();
  std::size_t name_width = 0;
  for (std::size_t i = 1; i < names.size(); i++) name_width = std::max(name_width, width(names[i]));
  std::string out;
  for (std::size_t i = 1; i < rows_.size(); i++) {
    out += style.lines(printable(rows_[i].front()), indent, 2);
    for (std::size_t j = 1; j < std::min(rows_[i].size(), names.size()); j++) {
      if (rows_[i][j].empty()) continue;
      const std::string padding(name_width - width(names[j]) + 2, ' ');
      out += style.lines(names[j] + padding + printable(rows_[i][j]), indent + 2, name_width + 2);
    }
  }
  return out;
}

std::string Table::wrapped(const Style& style, std::size_t indent) const {
  const Layout layout = layout_of(rows_);
  const std::size_t before = indent + layout.width_before_last();
  std::string out;
  for (const auto& line : layout.cells) {
    const std::string head = std::string(indent, ' ') + layout.head(line, layout.widths.size() - 1);
    out += style.after(head, before, line.size() < layout.widths.size() ? "" : line.back());
  }
  return out;
}

std::string Table::cut(const Style& style) const {
  const Layout layout = layout_of(rows_);
  const std::size_t room = style.room_behind(layout.width_before_last());
  Table out;
  for (auto line : layout.cells) {
    if (line.size() == layout.widths.size()) line.back() = end_of(line.back(), room);
    out.add(std::move(line));
  }
  return out.text();
}

std::size_t Style::room_behind(std::size_t columns) const {
  constexpr std::size_t least = 10;
  if (width_ == 0) return SIZE_MAX;
  return std::max(width_ - std::min(width_, columns), least);
}

bool Style::fits(std::string_view lines) const {
  while (width_ > 0 && !lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    if (width(lines.substr(0, end)) > width_) return false;
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return true;
}

Style Style::of(int fd) {
  const char* const no_color = std::getenv("NO_COLOR");
  if (isatty(fd) != 1) return Style(false);
  winsize size{};
  const bool known = ioctl(fd, TIOCGWINSZ, &size) == 0;
  return Style(no_color == nullptr || *no_color == '\0', known ? size.ws_col : 0);
}

std::string Style::after(std::string_view head, std::size_t width, std::string_view text) const {
  return std::string(head) + lines(text, width, 0).substr(width);
}

std::string Style::lines(std::string_view text, std::size_t indent, std::size_t more) const {
  std::string out(indent, ' ');
  if (width_ == 0) return out.append(text) + '\n';
  std::size_t column = indent;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find(' ', begin), text.size());
    const std::string_view word = text.substr(begin, end - begin);
    const bool first = begin == 0;
    // Not to a line that has no more room for it.
    const bool fits = column + 1 + width(word) <= width_ || column < indent + more;
    if (!first && !fits) {
      out += '\n' + std::string(indent + more, ' ');
      column = indent + more;
    } else if (!first) {
      out += ' ';
      column++;
    }
    begin = end + 1;
    if (column + width(word) <= width_ || is_ascii(word)) {
      out += word;
      column += width(word);
      continue;
    }
    // There are blanks beyond ASCII, with which what a terminal breaks by itself could look like
    // lines of ours. A long path stays whole, to be copied.
    for (std::string_view rest = word; !rest.empty();) {
      const Glyph glyph = first_glyph(rest);
      if (column + glyph.columns > width_ && column > indent + more) {
        out += '\n' + std::string(indent + more, ' ');
        column = indent + more;
      }
      out += rest.substr(0, glyph.size);
      column += glyph.columns;
      rest.remove_prefix(glyph.size);
    }
  }
  return out + '\n';
}

std::string Style::wrapped(std::string_view code, std::string_view text) const {
  if (!coloured_) return std::string(text);
  return "\033[" + std::string(code) + 'm' + std::string(text) + "\033[0m";
}

std::string findings_text(const nlohmann::json& findings, const Style& style) {
  if (findings.empty()) return "";
  std::string out = style.bad("To do") + '\n';
  std::size_t number = 0;
  for (const nlohmann::json& finding : findings) {
    const std::string mark = std::to_string(++number) + ". ";
    out += style.lines(mark + printable(reports::text_at(finding, "part")) + ": " +
                           printable(reports::text_at(finding, "text")),
                       2, mark.size());
    out += style.lines("-> " + printable(reports::text_at(finding, "remedy")), 2 + mark.size(), 3);
  }
  return out;
}

void print(std::string_view text) { (void)std::fwrite(text.data(), 1, text.size(), stdout); }

void complain(const Error& error) {
  const Style style = Style::of(STDERR_FILENO);
  const std::string remedy = reports::remedy_of(error);
  const std::string lines = style.lines("mailorigin: " + printable(error.message), 0, 2) +
                            (remedy.empty() ? "" : style.lines("-> " + printable(remedy), 2, 3));
  (void)std::fwrite(lines.data(), 1, lines.size(), stderr);
}

void complain(const std::string& text) {
  const std::string lines = Style::of(STDERR_FILENO).lines("mailorigin: " + text, 0, 2);
  (void)std::fwrite(lines.data(), 1, lines.size(), stderr);
}

void print_json(const nlohmann::json& facts) {
  print(facts.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  print("\n");
}

}  // namespace mailorigin::cli
