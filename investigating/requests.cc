#include "investigating/requests.h"

#include <arpa/inet.h>
#include <string.h>

#include <algorithm>
#include <set>

#include "investigating/file_facts.h"
#include "investigating/limits.h"
#include "tracing/line_times.h"

namespace mailorigin::investigating {

namespace {

constexpr std::size_t path_limit = 8192;  // bytes, as httpd's LimitRequestLine has it
constexpr std::size_t words_with_client = 8;

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The byte that two digits at `at` mean; -1: there are none.
int byte_at(std::string_view text, std::size_t at) {
  if (at + 2 > text.size()) return -1;
  const int high = digit_of(text[at]), low = digit_of(text[at + 1]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

std::size_t position_of(std::string_view text, std::string_view needle, std::size_t from) {
  if (from > text.size()) return std::string_view::npos;
  // Several times as fast as find().
  const void* const found =
      memmem(text.data() + from, text.size() - from, needle.data(), needle.size());
  return found == nullptr ? std::string_view::npos
                          : static_cast<std::size_t>(static_cast<const char*>(found) - text.data());
}

// The line around a place in whole lines, without its end.
std::string_view line_around(std::string_view lines, std::size_t at) {
  const void* const before = memrchr(lines.data(), '\n', at);
  const std::size_t begin =
      before == nullptr
          ? 0
          : static_cast<std::size_t>(static_cast<const char*>(before) - lines.data()) + 1;
  const std::size_t end = std::min(lines.find('\n', at), lines.size());
  return lines.substr(begin, end - begin);
}

// Calls visit(word, is_quoted) for the words of a line until it returns false.
template <class Visit>
void each_word(std::string_view line, Visit visit) {
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= line.size(); i++) {
    const char c = i < line.size() ? line[i] : ' ';
    const bool quote = c == '"' && (i == 0 || line[i - 1] != '\\');
    if (c != ' ' && c != '\t' && !quote) continue;
    if (i > begin && !visit(line.substr(begin, i - begin), quoted)) return;
    begin = i + 1;
    if (quote) {
      quoted = !quoted;
      if (!visit({}, quoted)) return;
    }
  }
}

bool is_address(std::string_view word) {
  if (word.empty() || word.size() > INET6_ADDRSTRLEN) return false;
  const std::string text(word);
  in6_addr address{};
  const int family = text.find(':') == std::string::npos ? AF_INET : AF_INET6;
  return inet_pton(family, text.c_str(), &address) == 1;
}

bool is_method(std::string_view word) {
  return word.size() >= 3 && word.size() <= 16 &&
         std::all_of(word.begin(), word.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

// "http://host/path" as a request may have it: from the path on.
std::string_view without_host(std::string_view url) {
  const std::size_t host = url.find("://");
  const std::size_t path = host == std::string_view::npos ? host : url.find('/', host + 3);
  return path == std::string_view::npos ? std::string_view() : url.substr(path);
}

std::string decoded(std::string_view written) {
  std::string out;
  for (std::size_t i = 0; i < written.size(); i++) {
    const char c = written[i];
    const bool escape = c == '\\' && i + 1 < written.size();
    const std::size_t digits = c == '%' ? i + 1 : escape && written[i + 1] == 'x' ? i + 2 : 0;
    const int byte = digits > 0 ? byte_at(written, digits) : -1;
    if (byte >= 0) {
      out += static_cast<char>(byte);
      i = digits + 1;
    } else if (escape) {
      out += written[++i];
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string plain_path(std::string_view written) {
  written = written.substr(0, std::min(written.find_first_of("?#"), path_limit));
  const std::string whole = decoded(written);
  std::vector<std::string_view> parts;
  std::string_view rest = whole;
  const bool ends_with_slash = rest.ends_with('/');
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('/'), rest.size());
    const std::string_view part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (!parts.empty()) {
      parts.pop_back();
    }
  }
  std::string out;
  for (const std::string_view part : parts) out.append("/").append(part);
  return ends_with_slash || out.empty() ? out + '/' : out;
}

std::string_view client_of(std::string_view line) {
  std::string_view rest = line;
  for (std::size_t i = 0; i < words_with_client && !rest.empty(); i++) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    if (is_address(rest.substr(0, end))) return rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return line.substr(0, std::min<std::size_t>(line.find(' '), INET6_ADDRSTRLEN));
}

RequestSearch::RequestSearch(std::vector<std::string> paths) : paths_(std::move(paths)) {
  std::set<std::string> needles;
  for (const std::string& path : paths_) {
    if (path.size() > 1) needles.insert('/' + std::string(name_of(path)));
  }
  needles_.assign(needles.begin(), needles.end());
  for (const std::string& needle : needles_) {
    for (const char c : needle) {
      of_needles_[static_cast<unsigned char>(c)] = true;
      if (c < ' ' || c > '~' || c == '"' || c == '\\') logs_escape_it_ = true;
    }
  }
}

void RequestSearch::add(std::string_view lines) {
  if (logs_escape_it_) {
    // Rare enough to read each line.
    while (!lines.empty()) {
      const std::size_t end = std::min(lines.find('\n'), lines.size());
      if (asks_for_it(lines.substr(0, end))) count(lines.substr(0, end));
      lines.remove_prefix(std::min(end + 1, lines.size()));
    }
    return;
  }
  if (needles_.empty()) return;
  // Where each of them stands next.
  std::vector<std::size_t> next(needles_.size(), 0);
  const auto find_next = [&](std::size_t from) {
    for (std::size_t i = 0; i < needles_.size(); i++) {
      if (next[i] < from || from == 0) next[i] = position_of(lines, needles_[i], from);
    }
    return *std::min_element(next.begin(), next.end());
  };
  std::size_t from = 0;
  for (std::size_t at = 0; (at = find_next(from)) != std::string_view::npos;) {
    const std::string_view line = line_around(lines, at);
    const auto begin = static_cast<std::size_t>(line.data() - lines.data());
    find_escaped(lines.substr(from, begin - from));
    if (is_plain_request(line) || asks_for_it(line)) count(line);
    from = begin + line.size();
  }
  find_escaped(lines.substr(std::min(from, lines.size())));
}

void RequestSearch::find_escaped(std::string_view lines) {
  std::size_t at = 0;
  while ((at = lines.find('%', at)) != std::string_view::npos) {
    const int byte = byte_at(lines, at + 1);
    if (byte < 0 || !of_needles_[static_cast<std::size_t>(byte)]) {
      at++;
      continue;
    }
    const std::string_view line = line_around(lines, at);
    if (asks_for_it(line)) count(line);
    at = static_cast<std::size_t>(line.data() - lines.data()) + line.size();
  }
}

bool RequestSearch::is_plain_request(std::string_view line) const {
  const std::size_t quote = line.find('"');
  if (quote == std::string_view::npos) return false;
  const std::size_t blank = line.find(' ', quote);
  if (blank == std::string_view::npos) return false;
  if (!is_method(line.substr(quote + 1, blank - quote - 1))) return false;
  const std::string_view written = line.substr(blank + 1);
  return std::any_of(paths_.begin(), paths_.end(), [&](const std::string& path) {
    return written.starts_with(path) && written.size() > path.size() &&
           std::string_view(" ?#").find(written[path.size()]) != std::string_view::npos;
  });
}

bool RequestSearch::asks_for_it(std::string_view line) const {
  bool found = false, request_seen = false;
  std::string_view before;
  each_word(line, [&](std::string_view word, bool quoted) {
    // Behind the request there are fields that the client fills with what it likes.
    if (word.empty()) return !request_seen;
    const std::string_view path = word.front() == '/' ? word
                                  : is_method(before) && word.starts_with("http")
                                      ? without_host(word)
                                      : word.substr(0, 0);
    before = word;
    if (path.empty()) return true;
    request_seen = request_seen || quoted;
    found = is_path(path);
    return !found;
  });
  return found;
}

bool RequestSearch::is_path(std::string_view written) const {
  // Nearly every one that is, is written so.
  const std::string_view as_written = written.substr(0, written.find_first_of("?#"));
  if (std::find(paths_.begin(), paths_.end(), as_written) != paths_.end()) return true;
  const std::string path = plain_path(written);
  return std::any_of(paths_.begin(), paths_.end(), [&](const std::string& each) {
    return path.starts_with(each) && (path.size() == each.size() || path[each.size()] == '/');
  });
}

void RequestSearch::count(std::string_view line) {
  // What says no time is as old as what stands before it.
  if (const std::uint64_t ms = time_ms(line); ms > 0) ms_ = ms;
  if (found_.count == 0 || ms_ < first_ms_) {
    first_ms_ = ms_;
    found_.first = line.substr(0, shown_line_limit);
  }
  if (found_.count == 0 || ms_ >= last_ms_) {
    last_ms_ = ms_;
    found_.last = line.substr(0, shown_line_limit);
  }
  found_.count++;
  count_client(line);
}

void RequestSearch::count_client(std::string_view line) {
  // Nearly every line begins with an address that is known already.
  auto client = clients_.find(line.substr(0, line.find(' ')));
  if (client == clients_.end() || !client->second.is_address) {
    const std::string_view name = client_of(line);
    client = clients_.find(name);
    if (client == clients_.end()) {
      if (clients_.size() >= clients_limit) return;
      client = clients_.emplace(name, Client{0, is_address(name)}).first;
    }
  }
  client->second.count++;
}

std::uint64_t RequestSearch::time_ms(std::string_view line) {
  constexpr std::size_t stamp_size = 27;  // "[21/Nov/2026:12:00:00 +0000"
  const std::string_view stamp = line.substr(std::min(line.find('['), line.size()), stamp_size);
  if (stamp == stamp_) return stamp_ms_;  // as in the line before
  const std::uint64_t ms = tracing::access_time_ms(stamp);
  if (ms == 0) return tracing::access_time_ms(line);
  stamp_ = stamp;
  stamp_ms_ = ms;
  return ms;
}

Requests RequestSearch::take() {
  for (const auto& [name, client] : clients_) found_.clients.emplace_back(name, client.count);
  std::sort(found_.clients.begin(), found_.clients.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  return std::move(found_);
}

}  // namespace mailorigin::investigating
