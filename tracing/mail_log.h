// What a mail server's log says of a message: Postfix's and Exim's.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "tracing/line_times.h"

namespace mailorigin::tracing {

struct Delivery {
  std::uint64_t time_ms = 0;
  std::string to;
  std::string status;  // sent, deferred, bounced, held, expired, …: the server's word
  std::string text;    // what the other side, or the server, said
};

// One message's way through a queue.
struct Passage {
  std::string queue_id;
  std::uint64_t time_ms = 0;  // when it came in
  // Who handed it in; nobody where the log names two: every user may write lines into syslog.
  std::optional<std::uint32_t> uid;
  std::vector<std::string> message_ids;  // one; likewise, all that the log names, at most a few
  std::string from;
  std::vector<Delivery> deliveries;
};

// What is looked for: any of the first three, or what a user submitted between two times.
struct LogQuestion {
  std::set<std::string> queue_ids;
  std::set<std::string> message_ids;  // without angle brackets
  std::set<std::string> ids;          // event ids, where the server logs the header
  std::optional<std::uint32_t> uid;
  std::uint64_t from_ms = 0, to_ms = 0;
};

// Reads all of the files (packed ones, too), in the order of their time. At most
// passages_limit of them.
std::vector<Passage> find_passages(const std::vector<std::string>& files,
                                   const LogQuestion& question);
inline constexpr std::size_t passages_limit = 1000;

// Where mail servers log on this machine, without what has been rotated.
std::vector<std::string> usual_mail_logs();

// One line's parts; nothing where it is none of a message.
struct MailLogLine {
  std::uint64_t time_ms = 0;
  std::string_view program;  // "postfix/smtp", or "exim"
  std::string_view queue_id;
  std::string_view rest;  // behind the queue id
};
std::optional<MailLogLine> parse_mail_log_line(std::string_view line, LineClock& clock);

}  // namespace mailorigin::tracing
