// The head of a message that is on its way into the mail server: what stands before its
// body, gathered from a stream and with other header fields in front.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "client/header_fields.h"

namespace mailorigin::submit {

// Mail servers differ in where they see a header end. All that can be a field for one of
// them belongs to this one: it goes on to the first line that is empty. A message that
// does not begin with a field has none for all of them.
class Head {
 public:
  // Whether "From " lines may stand in front, as in a mailbox file. By SMTP none do.
  enum class MailboxLine { may_be_there, is_no_such };
  explicit Head(MailboxLine mailbox_line = MailboxLine::may_be_there)
      : mailbox_line_(mailbox_line) {}

  // More of the message, which may be more than its head.
  void add(std::string_view bytes);
  // That was all of the message.
  void end() { whole_ = true; }

  // Whether its end has been seen.
  [[nodiscard]] bool is_whole() const { return whole_; }
  // All that was added.
  [[nodiscard]] const std::string& text() const { return text_; }
  // The header, once it is whole; empty if the message has none.
  [[nodiscard]] std::string_view fields() const;
  // Bytes of the body that were added.
  [[nodiscard]] std::size_t body_size() const;

  // All that was added, once the head is whole, with `added` in front of the header and
  // without copies of them. A mailbox file's "From " line stays the first. A message that
  // has no line yet has `line_end`.
  [[nodiscard]] std::string with(const client::HeaderFields& added,
                                 std::string_view line_end = "\n") const;

 private:
  // False where the head is whole.
  bool take_line(std::string_view line);

  MailboxLine mailbox_line_;
  std::string text_;
  std::size_t line_begin_ = 0;  // of the first line that has not been taken
  std::size_t searched_ = 0;    // no line end from there on to here
  std::size_t header_begin_ = 0;
  std::size_t header_end_ = 0;
  bool has_header_ = false;
  bool whole_ = false;
};

}  // namespace mailorigin::submit
