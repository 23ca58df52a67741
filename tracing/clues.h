// What an input says about a mail or a connection: ids, message ids, queue ids, recipients.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mailorigin::tracing {

enum class ClueKind : std::uint8_t {
  id,          // an event's or a request's: they look the same
  message_id,  // without angle brackets
  queue_id,
  cookie,     // the kernel's number of a connection
  recipient,  // an address, in lower case behind the @
  subject,
  script,  // file:line, as PHP's mail.log has it
};

struct Clue {
  ClueKind kind;
  std::string value;
  // Where it stood, in words: "X-Mail-Origin of the message that bounced".
  std::string where;
  // How much it is worth: what came with the message that is asked about more than what
  // stood in a text.
  int weight;
  // How many messages it stood in whose own header has an id: what such a message contains, its
  // sender wrote, also where it looks like another message.
  unsigned within = 0;
  bool operator==(const Clue&) const = default;
};

// Of hostile bytes; bounded in number and in time.
struct Clues {
  std::vector<Clue> list;          // at most clues_limit of each kind, each value once
  std::uint64_t time_ms = 0;       // when the mail was sent; 0: not known
  std::uint64_t time_span_ms = 0;  // before and after that
  std::string what;                // what the input is: "a bounce (RFC 3464)"
  unsigned within = 0;             // of what is added

  void add(ClueKind kind, std::string_view value, std::string_view where, int weight);
  [[nodiscard]] std::vector<Clue> of(ClueKind kind) const;
};
// Of one kind, so that none can be crowded out by another; where there are more, what weighs more
// stays.
inline constexpr std::size_t clues_limit = 100;

// What an argument or a whole file says.
Clues read_clues(std::string_view input);

// One line: an id of any kind, or a line of a log; the first MiB of it.
Clues clues_of_line(std::string_view line);
// Whether that knows it for an id, a Message-ID or a line of one of our logs.
bool is_known_line(std::string_view line);
// A mail, or what looks like one, or any text.
Clues clues_of_mail(std::string_view input);
// Ids and Message-IDs in running text; header fields among its lines, quoted or not.
void add_clues_of_text(Clues& clues, std::string_view text, const std::string& where, int weight);
// A header block. Whether it has an id, but in Message-IDs and the mail servers' own fields.
bool add_clues_of_fields(Clues& clues, std::string_view fields, const std::string& where,
                         int weight, bool is_the_mail);

// RFC 5322's date; 0 if it is none.
std::uint64_t parse_mail_date(std::string_view text);

}  // namespace mailorigin::tracing
