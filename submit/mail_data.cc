#include "submit/mail_data.h"

#include <algorithm>

namespace mailorigin::submit {

void MailDataReader::take(char byte, std::string& out) {
  switch (byte) {
    case '\r':
      at_ = At::cr;
      return;
    case '\n':
      out += "\r\n";
      at_ = At::line_start;
      return;
    default:
      out += byte;
      at_ = At::within;
  }
}

std::size_t MailDataReader::read(std::string_view bytes, std::string& out) {
  for (std::size_t i = 0; i < bytes.size() && !ended_; i++) {
    const char byte = bytes[i];
    switch (at_) {
      case At::line_start:
        if (byte == '.') {
          at_ = At::dot;
        } else {
          take(byte, out);
        }
        break;
      case At::dot:
      case At::dot_and_cr:
        if (byte == '\n') {
          ended_ = true;
          return i + 1;
        }
        if (at_ == At::dot && byte == '\r') {
          at_ = At::dot_and_cr;
        } else {
          if (at_ == At::dot_and_cr) out += ' ';
          take(byte, out);
        }
        break;
      case At::cr:
        if (byte != '\n') out += ' ';
        take(byte, out);
        break;
      case At::within: {
        const std::size_t end = std::min(bytes.find_first_of("\r\n", i), bytes.size());
        out += bytes.substr(i, end - i);
        if (end < bytes.size()) take(bytes[end], out);
        i = end;
        break;
      }
    }
  }
  return bytes.size();
}

void MailDataWriter::write(std::string_view bytes, std::string& out) {
  while (!bytes.empty()) {
    if (at_line_start_ && bytes.front() == '.') out += '.';
    const std::size_t end = bytes.find('\n');
    const std::size_t length = end == std::string_view::npos ? bytes.size() : end + 1;
    out += bytes.substr(0, length);
    at_line_start_ = end != std::string_view::npos;
    bytes.remove_prefix(length);
  }
}

void MailDataWriter::end(std::string& out) {
  if (!at_line_start_) out += "\r\n";
  out += ".\r\n";
  at_line_start_ = true;
}

}  // namespace mailorigin::submit
