#include "investigating/logins.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>

#include "investigating/limits.h"
#include "investigating/program.h"
#include "tracing/line_times.h"

namespace mailorigin::investigating {

namespace {

constexpr std::size_t kept_limit = 10'000;  // of which the nearest are shown
constexpr char journalctl[] = "/usr/bin/journalctl";

// As syslog has them before "[pid]:"; what FTP servers write to logs of their own begins otherwise.
constexpr std::string_view programs[] = {"sshd",        "sshd-session",  "sshd-auth",
                                         "sftp-server", "internal-sftp", "vsftpd",
                                         "proftpd",     "pure-ftpd",     "pure-ftpd-mysql",
                                         "CRON",        "cron",          "crond",
                                         "anacron",     "sudo",          "su",
                                         "login"};

bool has_text(std::string_view line, std::string_view text) {
  return !text.empty() && memmem(line.data(), line.size(), text.data(), text.size()) != nullptr;
}

bool is_of_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         c == '-' || c == '.';
}

// The text between bytes that are no part of a name.
bool has_word(std::string_view line, std::string_view word) {
  if (!has_text(line, word)) return false;
  for (std::size_t at = 0; (at = line.find(word, at)) != std::string_view::npos; at++) {
    const std::size_t end = at + word.size();
    const bool begins = at == 0 || !is_of_word(line[at - 1]);
    if (begins && (end == line.size() || !is_of_word(line[end]))) return true;
  }
  return false;
}

// "host program[pid]: …" or "host program: …", behind the time.
bool is_of_a_program(std::string_view rest) {
  for (int word = 0; word < 2 && !rest.empty(); word++) {
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    const std::size_t end = std::min(rest.find(' '), rest.size());
    std::string_view name = rest.substr(0, end);
    rest.remove_prefix(end);
    name = name.substr(0, name.find_first_of("[(:"));
    if (std::find(std::begin(programs), std::end(programs), name) != std::end(programs))
      return true;
  }
  return false;
}

bool is_of_ftp(std::string_view log) {
  const std::string_view name = log.substr(std::min(log.rfind("/log/") + 1, log.size()));
  return has_text(name, "ftp") || has_text(name, "xferlog");
}

}  // namespace

LoginSearch::LoginSearch(LoginQuestion question) : question_(std::move(question)) {
  const Times& times = question_.times;
  for (const std::uint64_t time : {times.modified_ms, times.changed_ms, times.born_ms}) {
    if (time == 0) continue;
    spans_.emplace_back((time - std::min(time, logins_ms)) / 1000, (time + logins_ms) / 1000);
  }
  std::sort(spans_.begin(), spans_.end());
  std::size_t last = 0;
  for (std::size_t i = 1; i < spans_.size(); i++) {
    if (spans_[i].first <= spans_[last].second) {
      spans_[last].second = std::max(spans_[last].second, spans_[i].second);
    } else {
      spans_[++last] = spans_[i];
    }
  }
  if (!spans_.empty()) spans_.resize(last + 1);
}

std::uint64_t LoginSearch::distance_of(std::uint64_t ms) const {
  std::uint64_t nearest = UINT64_MAX;
  const Times& times = question_.times;
  for (const std::uint64_t each : {times.modified_ms, times.changed_ms, times.born_ms}) {
    if (each > 0) nearest = std::min(nearest, each > ms ? each - ms : ms - each);
  }
  return nearest;
}

void LoginSearch::add(const std::string& log, std::string_view lines, std::uint64_t near_s) {
  tracing::LineClock clock(near_s);
  const std::string_view name = name_of(question_.path);
  const bool ftp = is_of_ftp(log);
  while (!lines.empty() && found_.size() < kept_limit) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    const std::string_view line = lines.substr(0, end);
    lines.remove_prefix(std::min(end + 1, lines.size()));
    // Servers name a file from the directory on that they show to the user.
    const bool names_file = has_word(line, name);
    const bool names_owner = has_word(line, question_.owner);
    if (!names_file && !names_owner) continue;
    const auto time = clock.time_of(line);
    if (!time) continue;
    if (!ftp && !is_of_a_program(line.substr(time->size))) continue;
    if (!names_file && distance_of(time->ms) > logins_ms) continue;
    found_.push_back({time->ms, log, std::string(line.substr(0, shown_line_limit))});
  }
}

std::vector<LoginLine> LoginSearch::take() {
  std::stable_sort(found_.begin(), found_.end(), [this](const LoginLine& a, const LoginLine& b) {
    return distance_of(a.ms) < distance_of(b.ms);
  });
  if (found_.size() > login_lines_limit) found_.resize(login_lines_limit);
  std::stable_sort(found_.begin(), found_.end(),
                   [](const LoginLine& a, const LoginLine& b) { return a.ms < b.ms; });
  return std::move(found_);
}

std::vector<std::string> usual_login_logs() {
  std::vector<std::string> out;
  for (const char* path :
       {"/var/log/auth.log", "/var/log/secure", "/var/log/cron", "/var/log/cron.log",
        "/var/log/syslog", "/var/log/messages", "/var/log/vsftpd.log", "/var/log/xferlog",
        "/var/log/proftpd/proftpd.log", "/var/log/proftpd/xferlog", "/var/log/pureftpd.log",
        "/var/log/pure-ftpd/transfer.log"}) {
    out.emplace_back(path);
  }
  return out;
}

Status add_journal(LoginSearch& search) {
  if (access(journalctl, X_OK) != 0) return Error{"there is no journalctl"};
  for (const auto& [from, to] : search.spans()) {
    std::vector<std::string> command = {journalctl,
                                        "--quiet",
                                        "--no-pager",
                                        "--output",
                                        "short-iso",
                                        "--since",
                                        '@' + std::to_string(from),
                                        "--until",
                                        '@' + std::to_string(to)};
    for (const std::string_view program : programs) {
      command.insert(command.end(), {"--identifier", std::string(program)});
    }
    const auto lines = output_of(command);
    if (!lines) return lines.error();
    search.add(journal, *lines, to);
  }
  return Done{};
}

}  // namespace mailorigin::investigating
