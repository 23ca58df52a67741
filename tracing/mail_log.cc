#include "tracing/mail_log.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "core/name_values.h"
#include "tracing/line_times.h"
#include "tracing/lines.h"

namespace mailorigin::tracing {

namespace {

constexpr std::size_t deliveries_limit = 1000;  // of one message

bool is_id_character(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
}

// The word behind `name`, up to one of `ends`.
std::string_view behind(std::string_view text, std::string_view name, std::string_view ends) {
  const std::size_t at = text.find(name);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = text.substr(at + name.size());
  return rest.substr(0, rest.find_first_of(ends));
}

std::optional<std::uint32_t> number_behind(std::string_view text, std::string_view name) {
  const auto number = parse_number(behind(text, name, " ,\n"), UINT32_MAX);
  if (!number) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

class PassageReader {
 public:
  explicit PassageReader(const LogQuestion& question) : question_(question) {
    for (const std::string& id : question.queue_ids) wanted_.insert(id);
  }

  // Whether the line tells a queue id that is looked for.
  void look(const MailLogLine& line) {
    if (line.queue_id.empty() || wanted_.size() >= passages_limit) return;
    const std::string id(line.queue_id);
    if (wanted_.contains(id)) return;
    std::string_view message_id = behind(line.rest, "message-id=<", "> ");
    if (message_id.empty() && line.program == "exim") message_id = behind(line.rest, " id=", " ");
    bool found = !message_id.empty() && question_.message_ids.contains(std::string(message_id));
    for (auto each = question_.ids.begin(); !found && each != question_.ids.end(); ++each) {
      found = line.rest.find(*each) != std::string_view::npos;
    }
    // What pickup took from a user's sendmail.
    if (!found && question_.uid && line.time_ms + 1000 > question_.from_ms &&
        line.time_ms <= question_.to_ms) {
      found =
          line.program.ends_with("/pickup") && number_behind(line.rest, "uid=") == question_.uid;
    }
    if (found) wanted_.insert(id);
  }

  void read(const MailLogLine& line) {
    const auto id = std::string(line.queue_id);
    if (!wanted_.contains(id)) return;
    const auto [at, fresh] = passages_.try_emplace(id);
    Passage& passage = at->second;
    if (fresh) {
      passage.queue_id = id;
      passage.time_ms = line.time_ms;
    }
    line.program == "exim" ? read_exim(passage, line) : read_postfix(passage, line);
  }

  std::vector<Passage> take() {
    std::vector<Passage> out;
    for (auto& [id, passage] : passages_) out.push_back(std::move(passage));
    std::sort(out.begin(), out.end(),
              [](const Passage& a, const Passage& b) { return a.time_ms < b.time_ms; });
    return out;
  }

 private:
  void read_postfix(Passage& passage, const MailLogLine& line) {
    if (const auto uid = number_behind(line.rest, "uid=")) passage.uid = uid;
    if (const auto id = behind(line.rest, "message-id=<", "> "); !id.empty()) {
      passage.message_id = id;
    }
    const std::string_view rest = line.rest;
    if (passage.from.empty()) passage.from = behind(rest, "from=<", ">");
    if (rest.starts_with("milter-hold") || rest.find(": hold: ") != std::string_view::npos) {
      add(passage,
          {line.time_ms, std::string(behind(rest, "to=<", ">")), "held", std::string(rest)});
      return;
    }
    const std::string_view status = behind(rest, "status=", " ");
    if (status.empty()) return;
    const std::size_t text = rest.find("status=") + 7 + status.size();
    std::string said(rest.substr(std::min(text + 1, rest.size())));
    if (said.starts_with('(') && said.ends_with(')')) said = said.substr(1, said.size() - 2);
    // Into another queue of the same machine: a content filter's way back.
    const std::string_view next = behind(said, "queued as ", ") \n");
    if (!next.empty() && wanted_.size() < passages_limit) wanted_.insert(std::string(next));
    add(passage, {line.time_ms, std::string(behind(rest, "to=<", ">")), std::string(status),
                  std::move(said)});
  }

  static void read_exim(Passage& passage, const MailLogLine& line) {
    const std::string_view rest = line.rest;
    const std::string_view mark = rest.substr(0, 2);
    if (mark == "<=") {
      passage.from = behind(rest, "<= ", " ");
      passage.message_id = behind(rest, " id=", " ");
      return;
    }
    const char* const status = mark == "=>" || mark == "->" ? "sent"
                               : mark == "**"               ? "bounced"
                               : mark == "=="               ? "deferred"
                               : mark == "*>"               ? "held"
                                                            : nullptr;
    if (status == nullptr || rest.size() < 4) return;
    const std::string_view to = rest.substr(3);
    std::string said(to.substr(std::min(to.find(' '), to.size())));
    if (said.starts_with(' ')) said.erase(0, 1);
    add(passage,
        {line.time_ms, std::string(to.substr(0, to.find_first_of(" :"))), status, std::move(said)});
  }

  static void add(Passage& passage, Delivery delivery) {
    if (passage.deliveries.size() < deliveries_limit) {
      passage.deliveries.push_back(std::move(delivery));
    }
  }

  const LogQuestion& question_;
  std::set<std::string> wanted_;
  std::map<std::string, Passage> passages_;
};

template <class Visit>
void each_line(const std::vector<std::string>& files, Visit visit) {
  for (const std::string& file : files) {
    struct stat about {};
    const auto lines = Lines::open(file);
    if (!lines || stat(file.c_str(), &about) != 0) continue;
    LineClock clock(static_cast<std::uint64_t>(std::max<time_t>(about.st_mtime, 0)));
    for (std::string_view line; (*lines)->next(line);) {
      if (const auto parsed = parse_mail_log_line(line, clock)) visit(*parsed);
    }
  }
}

}  // namespace

std::optional<MailLogLine> parse_mail_log_line(std::string_view line, LineClock& clock) {
  const auto time = clock.time_of(line);
  if (!time) return std::nullopt;
  MailLogLine out;
  out.time_ms = time->ms;
  std::string_view rest = line.substr(time->size);
  const bool of_exim = line[4] == '-' && line[10] == ' ';
  if (of_exim) {
    // Its own log has nothing between time and id.
    rest.remove_prefix(std::min<std::size_t>(1, rest.size()));
    if (rest.starts_with('[')) rest.remove_prefix(std::min(rest.find(' ') + 1, rest.size()));
    std::size_t end = 0;
    while (end < rest.size() && is_id_character(rest[end])) end++;
    if (end < 16 || end + 1 >= rest.size() || rest[end] != ' ') return std::nullopt;
    out.program = "exim";
    out.queue_id = rest.substr(0, end);
    out.rest = rest.substr(end + 1);
    return out;
  }
  // "host program[pid]: id: rest"
  const std::size_t colon = rest.find("]: ");
  const std::size_t bracket = rest.rfind('[', colon);
  if (colon == std::string_view::npos || bracket == std::string_view::npos) return std::nullopt;
  const std::size_t name = rest.rfind(' ', bracket);
  out.program = rest.substr(name + 1, bracket - name - 1);
  rest.remove_prefix(colon + 3);
  std::size_t end = 0;
  while (end < rest.size() && is_id_character(rest[end])) end++;
  if (end < 6 || !rest.substr(end).starts_with(": ")) return std::nullopt;
  out.queue_id = rest.substr(0, end);
  out.rest = rest.substr(end + 2);
  return out;
}

std::vector<Passage> find_passages(const std::vector<std::string>& files,
                                   const LogQuestion& question) {
  PassageReader reader(question);
  // An id is told in the middle of a message's lines: they are read when all are known.
  const bool search = !question.message_ids.empty() || !question.ids.empty() || question.uid;
  if (search) each_line(files, [&](const MailLogLine& line) { reader.look(line); });
  each_line(files, [&](const MailLogLine& line) { reader.read(line); });
  return reader.take();
}

std::vector<std::string> usual_mail_logs() {
  std::vector<std::string> out;
  for (const char* path : {"/var/log/mail.log", "/var/log/maillog", "/var/log/exim4/mainlog",
                           "/var/log/exim/main.log", "/var/log/exim_mainlog"}) {
    out.emplace_back(path);
  }
  return out;
}

}  // namespace mailorigin::tracing
