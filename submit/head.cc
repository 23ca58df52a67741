#include "submit/head.h"

#include <algorithm>

#include "core/mail/header_block.h"
#include "core/text.h"

namespace mailorigin::submit {

namespace {

bool is_mailbox_line(std::string_view line) {
  return line.starts_with("From ") || line.starts_with(">From ");
}

bool may_be_field(std::string_view line) {
  return static_cast<unsigned char>(line.front()) > ' ' && line.find(':') != std::string_view::npos;
}

std::string_view line_end_of(std::string_view text, std::string_view otherwise) {
  const std::size_t end = text.find('\n');
  if (end == std::string_view::npos) return otherwise;
  return end > 0 && text[end - 1] == '\r' ? "\r\n" : "\n";
}

bool is_among(std::string_view name, const client::HeaderFields& fields) {
  return std::any_of(fields.begin(), fields.end(),
                     [&](const auto& field) { return equal_ignoring_case(field.first, name); });
}

}  // namespace

void Head::add(std::string_view bytes) {
  text_ += bytes;
  while (!whole_) {
    const std::size_t end = text_.find('\n', searched_);
    if (end == std::string::npos) break;
    searched_ = end + 1;
    const std::string_view line(text_.data() + line_begin_, searched_ - line_begin_);
    whole_ = !take_line(line);
    if (!whole_) line_begin_ = searched_;
  }
  if (!whole_) searched_ = text_.size();
}

bool Head::take_line(std::string_view line) {
  const std::size_t next = line_begin_ + line.size();
  if (!has_header_ && mailbox_line_ == MailboxLine::may_be_there && is_mailbox_line(line)) {
    header_begin_ = header_end_ = next;
    return true;
  }
  has_header_ = has_header_ || may_be_field(line);
  if (!has_header_ || line == "\n" || line == "\r\n") return false;
  header_end_ = next;
  return true;
}

// A last line without an end may be a field, too.
std::string_view Head::fields() const {
  const std::string_view text(text_);
  const std::string_view last = text.substr(line_begin_);
  if (header_end_ == line_begin_ && last.find('\n') == std::string_view::npos && !last.empty() &&
      (has_header_ || may_be_field(last))) {
    return text.substr(header_begin_);
  }
  return text.substr(header_begin_, header_end_ - header_begin_);
}

std::size_t Head::body_size() const {
  const std::size_t header_end = header_begin_ + fields().size();
  const std::string_view rest = std::string_view(text_).substr(header_end);
  const std::size_t separator = rest.starts_with("\r\n") ? 2 : rest.starts_with("\n") ? 1 : 0;
  return rest.size() - separator;
}

std::string Head::with(const client::HeaderFields& added, std::string_view otherwise) const {
  if (added.empty()) return text_;
  const std::string_view text(text_);
  const std::string_view header = fields();
  const std::string_view line_end = line_end_of(text, otherwise);
  std::string out;
  out.reserve(text.size() + 1024);
  out += text.substr(0, header_begin_);
  for (const auto& [name, value] : added) {
    out += name;
    out += ": ";
    out += value;
    out += line_end;
  }
  HeaderBlock block(header, HeaderBlock::Lines::ended_by_cr_too);
  while (const auto field = block.next()) {
    if (!is_among(field->name, added)) {
      out += field->whole;
    } else if (out.ends_with('\r')) {
      out += '\n';  // what comes next must not make a line end of it, and the empty line a field
    }
  }
  // What is no header must not become one.
  const std::string_view rest = text.substr(header_begin_ + header.size());
  if (header.empty() && !rest.empty() && !rest.starts_with("\n") && !rest.starts_with("\r\n")) {
    out += line_end;
  }
  out += rest;
  return out;
}

}  // namespace mailorigin::submit
