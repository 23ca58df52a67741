// What stands between DATA and the line with a dot: read as no server reads it further
// than this one, and written so that each reads it as far.
//
// Servers differ in what ends a line, and so in where a message ends (SMTP smuggling).
// Here a line ends with LF, whether CR stands before it or not. It is written with both,
// and a CR that ends no line is written as a blank.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace mailorigin::submit {

class MailDataReader {
 public:
  // Appends what `bytes` say of the message to `out`, without its stuffed dots. Returns
  // how many bytes were the message's: all, unless it has ended.
  std::size_t read(std::string_view bytes, std::string& out);
  [[nodiscard]] bool has_ended() const { return ended_; }

 private:
  enum class At { line_start, dot, dot_and_cr, within, cr };

  // The byte where it stands within a line.
  void take(char byte, std::string& out);

  At at_ = At::line_start;
  bool ended_ = false;
};

class MailDataWriter {
 public:
  // Appends the message's next bytes, whose lines end with CR LF, with stuffed dots.
  void write(std::string_view bytes, std::string& out);
  // Ends the message's last line, if need be, and the message.
  void end(std::string& out);

 private:
  bool at_line_start_ = true;
};

}  // namespace mailorigin::submit
