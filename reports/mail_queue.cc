#include "reports/mail_queue.h"

#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "core/name_values.h"
#include "core/text.h"
#include "reports/fields.h"
#include "reports/program.h"

namespace mailorigin::reports {

using nlohmann::json;

namespace {

constexpr const char* postqueue = "/usr/sbin/postqueue";
constexpr const char* postsuper = "/usr/sbin/postsuper";
constexpr const char* exims[] = {"/usr/sbin/exim4", "/usr/sbin/exim"};

bool is_program(const char* path) { return access(path, X_OK) == 0; }

const char* exim() {
  for (const char* path : exims) {
    if (is_program(path)) return path;
  }
  return nullptr;
}

// Of "25m", "3h", "2d" in milliseconds.
std::optional<std::uint64_t> age_ms(std::string_view text) {
  constexpr std::pair<char, std::uint64_t> units[] = {
      {'m', 60'000}, {'h', 3'600'000}, {'d', 86'400'000}};
  if (text.size() < 2) return std::nullopt;
  const auto number = parse_number(text.substr(0, text.size() - 1), UINT32_MAX);
  for (const auto& [letter, milliseconds] : units) {
    if (number && text.back() == letter) return *number * milliseconds;
  }
  return std::nullopt;
}

std::string_view next_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line;
}

std::string_view next_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const std::string_view word = text.substr(0, std::min(text.find(' '), text.size()));
  text.remove_prefix(word.size());
  return word;
}

// " 3h  1.1K 1xXKOD-0006aS-2v <me@shop.example> *** frozen ***"; nothing for another line.
std::optional<WaitingMessage> read_exim_line(std::string_view line, std::uint64_t now_ms,
                                             bool& is_frozen) {
  constexpr std::string_view frozen = " *** frozen ***";
  is_frozen = line.ends_with(frozen);
  if (is_frozen) line.remove_suffix(frozen.size());
  const auto age = age_ms(next_word(line));
  (void)next_word(line);  // its size
  const std::string_view id = next_word(line);
  const std::size_t open = line.find('<');
  const std::size_t close = line.rfind('>');
  if (!age || id.empty() || open == line.npos || close == line.npos || close < open) {
    return std::nullopt;
  }
  return WaitingMessage{MailServer::exim,
                        std::string(id),
                        std::string(line.substr(open + 1, close - open - 1)),
                        {},
                        now_ms - std::min(now_ms, *age)};
}

// Says what a program of the mail server's has said.
Error told(const char* program, const Finished& done) {
  std::string text;
  append_one_line(text, cut(done.complaint.empty() ? done.printed : done.complaint, 512));
  return Error{std::string(program) + ": " +
               (text.empty() ? "status " + std::to_string(done.status) : text)};
}

bool says(const Finished& done, std::string_view words) {
  return done.printed.find(words) != std::string::npos ||
         done.complaint.find(words) != std::string::npos;
}

Result<bool> decide_postfix(const WaitingMessage& message, Fate fate) {
  const bool release = fate == Fate::release;
  const auto done = release ? run_program({postsuper, "-H", message.queue_id})
                            : run_program({postsuper, "-d", message.queue_id, "hold"});
  if (!done) return done.error();
  if (done->status != 0) return told(postsuper, *done);
  if (!says(*done, release ? "Released from hold: 1 " : "Deleted: 1 ")) return false;
  // Else it would wait for the next run of the queue.
  if (release) (void)run_program({postqueue, "-i", message.queue_id});
  return true;
}

Result<bool> decide_exim(const char* program, const WaitingMessage& message, Fate fate) {
  const bool release = fate == Fate::release;
  const auto done = run_program({program, release ? "-Mt" : "-Mrm", message.queue_id});
  if (!done) return done.error();
  if (says(*done, "is not frozen") || says(*done, "does not exist")) return false;
  if (done->status != 0) return told(program, *done);
  // Delivery takes its time, and is nobody's to wait for.
  if (release) start_program({program, "-M", message.queue_id});
  return true;
}

}  // namespace

std::vector<WaitingMessage> read_postfix_queue(std::string_view printed) {
  std::vector<WaitingMessage> messages;
  while (!printed.empty()) {
    const json one = json::parse(next_line(printed), nullptr, false);
    if (text_at(one, "queue_name") != "hold" || text_at(one, "queue_id").empty()) continue;
    WaitingMessage& message = messages.emplace_back();
    message.queue_id = text_at(one, "queue_id");
    message.sender = text_at(one, "sender");
    if (message.sender == "MAILER-DAEMON") message.sender.clear();
    message.since_ms = number_at(one, "arrival_time") * 1000;
    for (const json& recipient : array_at(one, "recipients")) {
      message.recipients.push_back(text_at(recipient, "address"));
    }
  }
  return messages;
}

std::vector<WaitingMessage> read_exim_queue(std::string_view printed, std::uint64_t now_ms) {
  std::vector<WaitingMessage> messages;
  bool is_frozen = false;
  while (!printed.empty()) {
    std::string_view line = next_line(printed);
    bool frozen = false;
    if (auto message = read_exim_line(line, now_ms, frozen)) {
      is_frozen = frozen;
      if (is_frozen) messages.push_back(*std::move(message));
      continue;
    }
    // A recipient that has it already stands behind a D.
    std::string_view recipient = next_word(line);
    if (recipient == "D") recipient = next_word(line);
    if (is_frozen && !recipient.empty()) messages.back().recipients.emplace_back(recipient);
  }
  return messages;
}

Result<std::vector<WaitingMessage>> messages_on_hold(std::uint64_t now_ms) {
  std::vector<WaitingMessage> messages;
  const char* const exim_program = exim();
  if (!is_program(postqueue) && exim_program == nullptr) {
    return Error{"there is neither Postfix (" + std::string(postqueue) + ") nor Exim (" + exims[0] +
                 ") on this host"};
  }
  if (is_program(postqueue)) {
    const auto done = run_program({postqueue, "-j"});
    if (!done) return done.error();
    if (done->status != 0) return told(postqueue, *done);
    messages = read_postfix_queue(done->printed);
  }
  if (exim_program != nullptr) {
    const auto done = run_program({exim_program, "-bp"});
    if (!done) return done.error();
    if (done->status != 0) return told(exim_program, *done);
    for (WaitingMessage& each : read_exim_queue(done->printed, now_ms)) {
      messages.push_back(std::move(each));
    }
  }
  return messages;
}

Result<bool> decide(const WaitingMessage& message, Fate fate) {
  if (message.server == MailServer::postfix) return decide_postfix(message, fate);
  const char* const program = exim();
  if (program == nullptr) return Error{"Exim is not there any more"};
  return decide_exim(program, message, fate);
}

}  // namespace mailorigin::reports
