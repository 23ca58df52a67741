#include "cli/output.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "core/text.h"
#include "reports/fields.h"

namespace mailorigin::cli {

std::string printable(std::string_view text) {
  std::string out;
  append_one_line(out, text);
  return out;
}

namespace {

// Characters, not bytes; what is printed is UTF-8.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
  }));
}

}  // namespace

std::string Table::text(std::size_t indent) const {
  std::vector<std::vector<std::string>> cells;
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    auto& line = cells.emplace_back();
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); i++) {
      line.push_back(printable(row[i]));
      widths[i] = std::max(widths[i], width(line[i]));
    }
  }
  std::string out;
  for (const auto& line : cells) {
    out.append(indent, ' ');
    for (std::size_t i = 0; i < line.size(); i++) {
      out += line[i];
      if (i + 1 < line.size()) out.append(widths[i] - width(line[i]) + 2, ' ');
    }
    while (out.ends_with(' ')) out.pop_back();
    out += '\n';
  }
  return out;
}

Style Style::of_stdout() {
  const char* const no_color = std::getenv("NO_COLOR");
  return Style(isatty(STDOUT_FILENO) == 1 && (no_color == nullptr || *no_color == '\0'));
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
    out += "  " + mark + printable(reports::text_at(finding, "part")) + ": " +
           printable(reports::text_at(finding, "text")) + '\n';
    out.append(2 + mark.size(), ' ');
    out += "-> " + printable(reports::text_at(finding, "remedy")) + '\n';
  }
  return out;
}

void print(std::string_view text) { (void)std::fwrite(text.data(), 1, text.size(), stdout); }

void complain(const std::string& text) { std::fprintf(stderr, "mailorigin: %s\n", text.c_str()); }

void print_json(const nlohmann::json& facts) {
  print(facts.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  print("\n");
}

}  // namespace mailorigin::cli
