#include "submit/dialogue.h"

#include <algorithm>
#include <utility>

#include "core/name_values.h"
#include "core/text.h"

namespace mailorigin::submit {

namespace {

constexpr std::size_t reply_lines_limit = 256;
constexpr int ready_for_message = 354;
constexpr int challenge = 334;

// By which a message could come in another way than by DATA, or be hidden from here.
constexpr std::string_view withheld_extensions[] = {"CHUNKING", "BINARYMIME", "STARTTLS", "BURL"};

bool is_verb(std::string_view line, std::string_view verb) {
  const std::string_view rest = line.substr(std::min(verb.size(), line.size()));
  return equal_ignoring_case(line.substr(0, verb.size()), verb) &&
         (rest.empty() || rest.front() == ' ' || rest.front() == '\t');
}

template <std::size_t size>
bool is_one_of(std::string_view line, const std::string_view (&verbs)[size]) {
  return std::any_of(std::begin(verbs), std::end(verbs),
                     [&](std::string_view verb) { return is_verb(line, verb); });
}

// Of "MAIL FROM:<a@b> SIZE=1": a@b. Where one server may see another path than the next,
// it is all of it.
std::string path_in(std::string_view line) {
  constexpr std::string_view blanks = " \t";
  std::string_view rest = line.substr(std::min(line.find(':'), line.size() - 1) + 1);
  rest.remove_prefix(std::min(rest.find_first_not_of(blanks), rest.size()));
  const std::string_view word = rest.substr(0, rest.find_first_of(blanks));
  const bool in_angles = word.starts_with('<') && word.ends_with('>');
  const std::string_view path = in_angles ? word.substr(1, word.size() - 2) : word;
  const bool is_plain = path.find_first_of("<>\"\\()") == path.npos;
  return std::string(is_plain ? path : rest);
}

// What could begin another line for some server.
bool is_one_line(std::string_view line) {
  return line.find_first_of(std::string_view("\r\0", 2)) == line.npos;
}

}  // namespace

Dialogue::Dialogue(DialogueEnds ends, bool batch, Ask ask)
    : ends_(std::move(ends)),
      batch_(batch),
      ask_(std::move(ask)),
      program_(ends_.read_program),
      server_(ends_.read_server) {}

std::optional<std::string> Dialogue::run() {
  if (!greet()) return stopped_;
  while (!over_) {
    const auto line = program_.next();
    if (!line) break;
    if (line->too_long) {
      if (!answer("500 5.5.2 the line is too long")) break;
    } else if (!is_one_line(line->text)) {
      if (!answer("501 5.5.2 a command is one line of text")) break;
    } else if (!handle(line->text)) {
      break;
    }
  }
  return stopped_;
}

bool Dialogue::greet() {
  if (batch_) return true;
  Reply reply;
  return read_reply(reply) && answer(reply);
}

bool Dialogue::handle(std::string_view line) {
  constexpr std::string_view plain[] = {"NOOP", "VRFY",    "EXPN",    "HELP",
                                        "ETRN", "XCLIENT", "XFORWARD"};
  constexpr std::string_view resets[] = {"HELO", "EHLO", "RSET"};
  if (is_verb(line, "MAIL")) return take_sender(line);
  if (is_verb(line, "RCPT")) return take_recipient(line);
  if (is_verb(line, "DATA")) return take_message();
  if (is_verb(line, "BDAT")) return refuse_chunk(line);
  if (is_verb(line, "AUTH")) return authenticate(line);
  if (is_one_of(line, plain)) return relay(line);
  if (is_one_of(line, resets)) return relay_reset(line);
  if (is_verb(line, "QUIT")) {
    over_ = true;
    return relay(line);
  }
  return answer("502 5.5.2 this command is not known here");
}

// ---- One command

bool Dialogue::forward(std::string_view line, Reply& reply) {
  return ends_.write_server(std::string(line) + "\r\n") && read_reply(reply);
}

bool Dialogue::relay(std::string_view line) {
  Reply reply;
  return forward(line, reply) && answer(reply);
}

// A server that refuses it (without a name, say) keeps the recipients that it has. One that
// does not answer may: there, what cannot be refused alone is believed to be a reset.
bool Dialogue::relay_reset(std::string_view line) {
  Reply reply;
  if (!forward(line, reply)) return false;
  if (batch_ ? equal_ignoring_case(line, "RSET") : reply.is_positive()) begin_anew();
  if (is_verb(line, "EHLO")) {
    std::erase_if(reply.lines, [](const std::string& extension) {
      return extension.size() > 4 &&
             is_one_of(std::string_view(extension).substr(4), withheld_extensions);
    });
  }
  return answer(reply);
}

// What the program says to a challenge is no command.
bool Dialogue::authenticate(std::string_view line) {
  Reply reply;
  if (!forward(line, reply) || !answer(reply)) return false;
  while (reply.code == challenge) {
    const auto response = program_.next();
    if (!response) return false;
    const bool sound = !response->too_long && is_one_line(response->text);
    if (!forward(sound ? response->text : "*", reply) || !answer(reply)) return false;
  }
  return true;
}

// A second one is an error, which some servers forgive, and forget the recipients.
bool Dialogue::take_sender(std::string_view line) {
  if (has_sender_) return refuse("503 5.5.1 there is a sender already");
  Reply reply;
  if (!forward(line, reply)) return false;
  if (reply.is_positive()) {
    envelope_.sender = path_in(line);
    has_sender_ = true;
  }
  return answer(reply);
}

bool Dialogue::take_recipient(std::string_view line) {
  Reply reply;
  if (!forward(line, reply)) return false;
  if (reply.is_positive()) envelope_.recipients.push_back(path_in(line));
  return answer(reply);
}

// The chunk follows at once, and is no command.
bool Dialogue::refuse_chunk(std::string_view line) {
  const std::string_view rest = line.substr(std::min<std::size_t>(5, line.size()));
  std::uint64_t left = parse_number(rest.substr(0, rest.find(' ')), UINT32_MAX).value_or(0);
  while (left > 0) {
    const std::string_view bytes = program_.bytes();
    if (bytes.empty()) return false;
    const auto part = std::min<std::uint64_t>(bytes.size(), left);
    program_.take(static_cast<std::size_t>(part));
    left -= part;
  }
  return answer("502 5.5.1 BDAT is not offered");
}

// ---- A message

bool Dialogue::read_data(MailDataReader& data, std::string& out) {
  const std::string_view bytes = program_.bytes();
  if (bytes.empty()) return false;
  program_.take(data.read(bytes, out));
  return true;
}

bool Dialogue::pass_over(MailDataReader& data) {
  std::string unwanted;
  while (!data.has_ended()) {
    unwanted.clear();
    if (!read_data(data, unwanted)) return false;
  }
  return true;
}

bool Dialogue::take_message() {
  if (envelope_.recipients.empty()) return answer("503 5.5.1 there is no recipient");
  if (!answer("354 end with a dot on a line by itself")) return false;
  MailDataReader data;
  Head head(Head::MailboxLine::is_no_such);
  std::string read;
  while (!head.is_whole()) {
    if (data.has_ended()) {
      head.end();
    } else if (head.text().size() > head_limit) {
      return refuse_message(data, "552 5.3.4 the header is too long");
    } else {
      read.clear();
      if (!read_data(data, read)) return false;
      head.add(read);
    }
  }
  const client::Outcome outcome = ask_(envelope_, head.fields());
  if (outcome.kind == client::Outcome::Kind::send) {
    return send_message(head, outcome.headers, data);
  }
  const bool denied = outcome.kind == client::Outcome::Kind::denied;
  return refuse_message(data, (denied ? "550 5.7.1 " : "451 4.7.1 ") + refusal_text(outcome));
}

bool Dialogue::refuse_message(MailDataReader& data, std::string_view reply) {
  begin_anew();
  Reply reset;
  return (batch_ || (pass_over(data) && forward("RSET", reset))) && refuse(reply);
}

bool Dialogue::refuse(std::string_view reply) {
  if (batch_) stopped_ = reply;
  return !batch_ && answer(reply);
}

void Dialogue::begin_anew() {
  envelope_ = {};
  has_sender_ = false;
}

bool Dialogue::send_message(const Head& head, const client::HeaderFields& fields,
                            MailDataReader& data) {
  Reply reply;
  if (!forward("DATA", reply)) return false;
  if (!batch_ && reply.code != ready_for_message) return pass_over(data) && answer(reply);
  begin_anew();
  MailDataWriter writer;
  std::string out;
  writer.write(head.with(fields, "\r\n"), out);
  std::string read;
  for (;;) {
    if (data.has_ended()) writer.end(out);
    if (!ends_.write_server(out)) return false;
    if (data.has_ended()) return read_reply(reply) && answer(reply);
    out.clear();
    read.clear();
    // Without its last line the server does not take the message.
    if (!read_data(data, read)) return false;
    writer.write(read, out);
  }
}

// ---- Replies

bool Dialogue::read_reply(Reply& reply) {
  reply = {};
  if (batch_) return true;
  for (;;) {
    const auto line = server_.next();
    if (!line || line->text.size() < 3) {
      (void)answer("421 4.3.0 the mail server has gone");
      return false;
    }
    const auto code = parse_number(line->text.substr(0, 3), 999);
    if (reply.lines.size() < reply_lines_limit) reply.lines.emplace_back(line->text);
    if (line->text.size() > 3 && line->text[3] == '-') continue;
    reply.code = static_cast<int>(code.value_or(0));
    return true;
  }
}

bool Dialogue::answer(std::string_view line) {
  return batch_ || ends_.write_program(std::string(line) + "\r\n");
}

bool Dialogue::answer(const Reply& reply) {
  if (batch_) return true;
  std::string text;
  for (std::size_t i = 0; i < reply.lines.size(); i++) {
    std::string line = reply.lines[i];
    if (line.size() > 3) line[3] = i + 1 < reply.lines.size() ? '-' : ' ';
    text += line + "\r\n";
  }
  return ends_.write_program(text);
}

}  // namespace mailorigin::submit
