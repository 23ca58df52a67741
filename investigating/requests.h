// The requests for a file in access logs.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "investigating/log_pass.h"

namespace mailorigin::investigating {

struct Requests {
  std::uint64_t count = 0;
  std::string first, last;  // lines, by the time that they say; at most shown_line_limit bytes
  // Who asked, and how often: the most first. Beyond clients_limit they are not told apart.
  std::vector<std::pair<std::string, std::uint64_t>> clients;
};

// Finds lines whose request is for one of some paths, however it was written: with
// %XX, doubled slashes, "." and "..", a query, a path behind it. A path in another field, the
// Referer's say, does not count.
class RequestSearch {
 public:
  // `paths`: of URLs, decoded, from "/" on.
  explicit RequestSearch(std::vector<std::string> paths);

  // Whole lines, in the order of their time.
  void add(std::string_view lines);
  Requests take();

 private:
  // In lines where no needle stands as it is.
  void find_escaped(std::string_view lines);
  // What asks_for_it() finds out as well: "METHOD path", quoted and before anything else that is.
  [[nodiscard]] bool is_plain_request(std::string_view line) const;
  [[nodiscard]] bool asks_for_it(std::string_view line) const;
  [[nodiscard]] bool is_path(std::string_view written) const;
  void count(std::string_view line);
  void count_client(std::string_view line);
  std::uint64_t time_ms(std::string_view line);

  std::vector<std::string> paths_;
  std::vector<std::string> needles_;    // "/name", each once: what lines are searched for
  std::array<bool, 256> of_needles_{};  // their bytes, any of which may be written as %XX
  bool logs_escape_it_ = false;         // a needle has what access logs write as \xhh
  Requests found_;
  std::uint64_t first_ms_ = 0, last_ms_ = 0, ms_ = 0;
  std::string stamp_;  // the last time as it was written, and what it means
  std::uint64_t stamp_ms_ = 0;

  struct Client {
    std::uint64_t count = 0;
    bool is_address = false;
  };
  struct Hash {
    using is_transparent = void;  // no line makes a string
    // May throw, for all that its caller knows: then what it gave is kept beside each entry.
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  std::unordered_map<std::string, Client, Hash, std::equal_to<>> clients_;
};

// A URL's path as httpd understands it: decoded, without "//", "/./" and "/../", up to "?".
// What access logs have escaped (\xhh, \") is undone.
std::string plain_path(std::string_view written);
// The first address in a line, else its first word.
std::string_view client_of(std::string_view line);

}  // namespace mailorigin::investigating
