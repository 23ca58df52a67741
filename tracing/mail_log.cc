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
constexpr std::size_t message_ids_limit = 4;    // likewise

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

// What begins with `name` and ends with one of `ends`. Most of a line is what a client, a header
// or another server has said, and may look like anything: a value is taken where its program of
// Postfix puts it, and nowhere else.
std::string_view at_the_beginning(std::string_view text, std::string_view name,
                                  std::string_view ends) {
  return text.starts_with(name) ? behind(text, name, ends) : std::string_view();
}

// "uid=61001 from=<shop>", of pickup.
std::optional<std::uint32_t> uid_of(const MailLogLine& line) {
  if (!line.program.ends_with("/pickup")) return std::nullopt;
  const auto number = parse_number(at_the_beginning(line.rest, "uid=", " ,\n"), UINT32_MAX);
  if (!number) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

// The size of a quoted string that a text begins with; 0: it does not.
std::size_t quoted_size(std::string_view text) {
  if (!text.starts_with('"')) return 0;
  for (std::size_t i = 1; i < text.size(); i++) {
    if (text[i] == '\\') {
      i++;
    } else if (text[i] == '"') {
      return i + 1;
    }
  }
  return 0;
}

// Exim's "<= sender H=… id=… T=\"subject\"": what is behind the sender, which may be quoted.
std::string_view behind_sender(std::string_view rest) {
  rest.remove_prefix(std::min<std::size_t>(3, rest.size()));
  return rest.substr(quoted_size(rest));
}

// Without angle brackets; empty: the line has none.
std::string_view message_id_of(const MailLogLine& line) {
  if (line.program == "exim") {
    return line.rest.starts_with("<= ") ? behind(behind_sender(line.rest), " id=", " ")
                                        : std::string_view();
  }
  if (!line.program.ends_with("/cleanup")) return {};
  return at_the_beginning(line.rest, "message-id=<", "> ");
}

// Whether a delivery's "relay=host[address]:port" is this machine's.
bool is_local(std::string_view fields) {
  const std::string_view relay = behind(fields, ", relay=", ",");
  const std::string_view address = behind(relay, "[", "]");
  return address.starts_with("127.") || address == "::1";
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
    const std::string_view message_id = message_id_of(line);
    // Where a header is logged, it is by these.
    const bool may_have_header = line.program == "exim" || line.program.ends_with("/cleanup");
    bool found = !message_id.empty() && question_.message_ids.contains(std::string(message_id));
    for (auto each = question_.ids.begin();
         may_have_header && !found && each != question_.ids.end(); ++each) {
      found = line.rest.find(*each) != std::string_view::npos;
    }
    // What pickup took from a user's sendmail.
    if (!found && question_.uid && line.time_ms + 1000 > question_.from_ms &&
        line.time_ms <= question_.to_ms) {
      found = uid_of(line) == question_.uid;
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
    if (const auto uid = uid_of(line)) {
      std::set<std::uint32_t>& users = users_[passage.queue_id];
      users.insert(*uid);
      passage.uid = users.size() == 1 ? uid : std::nullopt;
    }
    add_message_id(passage, message_id_of(line));
    const std::string_view rest = line.rest;
    if (passage.from.empty() && line.program.ends_with("/qmgr")) {
      passage.from = at_the_beginning(rest, "from=<", ">");
    }
    const bool is_delivery = rest.starts_with("to=<");
    if (rest.starts_with("milter-hold") ||
        (!is_delivery && rest.find(": hold: ") != std::string_view::npos)) {
      add(passage,
          {line.time_ms, std::string(behind(rest, "to=<", ">")), "held", std::string(rest)});
      return;
    }
    // "to=<"a b"@c>, relay=…, delay=…, dsn=…, status=sent (…)"
    constexpr std::string_view to_mark = "to=<";
    if (!rest.starts_with(to_mark)) return;
    const std::string_view to = rest.substr(to_mark.size());
    const std::size_t close = to.find('>', quoted_size(to));
    if (close == std::string_view::npos) return;
    std::string_view fields = to.substr(close + 1);
    // The address that it was sent to first, which may be quoted, too.
    constexpr std::string_view original_mark = ", orig_to=<";
    if (fields.starts_with(original_mark)) {
      fields.remove_prefix(original_mark.size());
      fields.remove_prefix(std::min(fields.find('>', quoted_size(fields)), fields.size()));
    }
    constexpr std::string_view status_mark = ", status=";
    const std::string_view status = behind(fields, status_mark, " ");
    if (status.empty()) return;
    const std::size_t text = fields.find(status_mark) + status_mark.size() + status.size();
    std::string said(fields.substr(std::min(text + 1, fields.size())));
    if (said.starts_with('(') && said.ends_with(')')) said = said.substr(1, said.size() - 2);
    // Into another queue of the same machine: a content filter's way back. Another machine may say
    // any message's id.
    const std::string_view next =
        is_local(fields) ? behind(said, "queued as ", ") \n") : std::string_view();
    if (!next.empty() && wanted_.size() < passages_limit) wanted_.insert(std::string(next));
    add(passage,
        {line.time_ms, std::string(to.substr(0, close)), std::string(status), std::move(said)});
  }

  static void read_exim(Passage& passage, const MailLogLine& line) {
    const std::string_view rest = line.rest;
    const std::string_view mark = rest.substr(0, 2);
    if (mark == "<=") {
      passage.from = behind(rest, "<= ", " ");
      add_message_id(passage, message_id_of(line));
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

  static void add_message_id(Passage& passage, std::string_view id) {
    std::vector<std::string>& ids = passage.message_ids;
    const bool known = id.empty() || std::find(ids.begin(), ids.end(), id) != ids.end();
    if (!known && ids.size() < message_ids_limit) ids.emplace_back(id);
  }

  static void add(Passage& passage, Delivery delivery) {
    if (passage.deliveries.size() < deliveries_limit) {
      passage.deliveries.push_back(std::move(delivery));
    }
  }

  const LogQuestion& question_;
  std::set<std::string> wanted_;
  std::map<std::string, Passage> passages_;
  std::map<std::string, std::set<std::uint32_t>> users_;  // by queue id
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
