// An SMTP dialogue (sendmail -bs, -bS) between a program and the mail server, of which
// each message is asked about before the server gets any of it.
//
// One command at a time goes to the server and its reply back, however many the program
// sends ahead; commands that are not known here do not go. Nothing that carries a message
// in another way than DATA is offered or passed on (BDAT, BURL, STARTTLS).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/outcome.h"
#include "submit/head.h"
#include "submit/line_source.h"
#include "submit/mail_data.h"
#include "submit/submission.h"

namespace mailorigin::submit {

// A message's header that is longer is refused.
inline constexpr std::size_t head_limit = 2 << 20;

// Both sides; a write returns false where nobody reads any more.
struct DialogueEnds {
  Read read_program;
  std::function<bool(std::string_view)> write_program;
  Read read_server;
  std::function<bool(std::string_view)> write_server;
};

class Dialogue {
 public:
  using Ask = std::function<client::Outcome(const Envelope& envelope, std::string_view fields)>;

  // `batch`: the server answers nothing, and one refusal ends all.
  Dialogue(DialogueEnds ends, bool batch, Ask ask);

  // Until one side has gone. In a batch, why it was stopped.
  std::optional<std::string> run();

 private:
  struct Reply {
    int code = positive;  // which a batch takes for granted
    std::vector<std::string> lines;

    static constexpr int positive = 250;
    [[nodiscard]] bool is_positive() const { return code >= 200 && code < 300; }
  };

  [[nodiscard]] bool greet();
  bool handle(std::string_view line);
  bool forward(std::string_view line, Reply& reply);
  bool relay(std::string_view line);
  bool relay_reset(std::string_view line);
  bool authenticate(std::string_view line);
  bool take_sender(std::string_view line);
  bool take_recipient(std::string_view line);
  bool refuse_chunk(std::string_view line);
  bool take_message();
  bool send_message(const Head& head, const client::HeaderFields& fields, MailDataReader& data);
  bool refuse_message(MailDataReader& data, std::string_view reply);
  // In a batch that is the end.
  bool refuse(std::string_view reply);
  void begin_anew();
  // More of the message into `out`; false where the program has gone.
  bool read_data(MailDataReader& data, std::string& out);
  bool pass_over(MailDataReader& data);

  bool read_reply(Reply& reply);
  bool answer(std::string_view line);
  bool answer(const Reply& reply);

  DialogueEnds ends_;
  const bool batch_;
  const Ask ask_;
  LineSource program_;
  LineSource server_;
  // What the server has heard since its last transaction.
  Envelope envelope_;
  bool has_sender_ = false;
  std::optional<std::string> stopped_;
  bool over_ = false;
};

}  // namespace mailorigin::submit
