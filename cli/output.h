// Text for people.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"

namespace mailorigin::cli {

// Safe to print: one line, nothing that a terminal would obey.
std::string printable(std::string_view text);

// Emphasis, where it is seen: on a terminal, unless NO_COLOR is set.
class Style {
 public:
  // `width`: of the terminal; 0: lines may have any length.
  explicit Style(bool coloured, std::size_t width = 0) : coloured_(coloured), width_(width) {}
  static Style of_stdout() { return of(1); }
  static Style of(int fd);
  // Whether no line is wider than the terminal.
  [[nodiscard]] bool fits(std::string_view lines) const;
  // How many columns there are behind so many; at least a few.
  [[nodiscard]] std::size_t room_behind(std::size_t columns) const;
  [[nodiscard]] std::string good(std::string_view text) const { return wrapped("32", text); }
  [[nodiscard]] std::string bad(std::string_view text) const { return wrapped("31", text); }
  // A line of `text` below `indent` blanks, broken at blanks where it is wider than the
  // terminal; what follows stands below `indent` and `more` blanks.
  [[nodiscard]] std::string lines(std::string_view text, std::size_t indent,
                                  std::size_t more) const;
  // The same behind `head`, which takes `width` columns; what follows stands below its end.
  [[nodiscard]] std::string after(std::string_view head, std::size_t width,
                                  std::string_view text) const;
  [[nodiscard]] std::string heading(std::string_view text) const { return wrapped("1", text); }

 private:
  [[nodiscard]] std::string wrapped(std::string_view code, std::string_view text) const;
  bool coloured_;
  std::size_t width_;
};

// Columns as wide as what is in them, two blanks between; each cell made printable.
class Table {
 public:
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  // Each line begins with `indent` blanks and ends with a newline.
  [[nodiscard]] std::string text(std::size_t indent = 0) const;
  // The same where it is no wider than the terminal; else each row but the first by itself: its
  // first cell, and below it the others, each behind what the first row calls it.
  [[nodiscard]] std::string fitting(const Style& style, std::size_t indent = 0) const;
  // The same where it is no wider than the terminal; else what has no room in the last column goes
  // on below itself,
  [[nodiscard]] std::string wrapped(const Style& style, std::size_t indent = 0) const;
  // or loses its beginning: of paths the end tells more.
  [[nodiscard]] std::string cut(const Style& style) const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

// Numbered, each with its remedy below it; empty for none.
std::string findings_text(const nlohmann::json& findings, const Style& style);

// On stdout.
void print(std::string_view text);
void print_json(const nlohmann::json& facts);
// On stderr, in one line, which a terminal's width breaks.
void complain(const std::string& text);
// Its message, and below it its remedy, where there is one.
void complain(const Error& error);

}  // namespace mailorigin::cli
