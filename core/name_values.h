// FastCGI name-value pairs: the one encoding of everything that MailOrigin puts
// on a wire or into a file (context details, questions, answers, policy, journal).
//
// Source of the format: FastCGI Specification 1.0, section 3.4. A length below
// 128 takes one byte, any other takes four, big-endian, with the top bit set.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/result.h"
#include "core/text.h"

namespace mailorigin {

class NameValueWriter {
 public:
  // Appends to `out`, which the caller owns and which must outlive the writer.
  explicit NameValueWriter(std::string& out) : out_(out) {}

  // Lengths up to 2^31-1; a longer value is a programming error.
  void add(std::string_view name, std::string_view value);
  void add(std::string_view name, std::uint64_t value);  // in decimal

 private:
  std::string& out_;
};

class NameValueReader {
 public:
  // The views that next() returns point into `bytes`.
  explicit NameValueReader(std::string_view bytes) : rest_(bytes) {}

  struct Pair {
    std::string_view name;
    std::string_view value;
  };

  // The next pair; nothing at the end, or at the first byte that is not a pair
  // (then failed() says so, and nothing more is read).
  std::optional<Pair> next();
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  bool length(std::uint32_t& value);

  std::string_view rest_;
  bool failed_ = false;
};

// Reads all pairs; take(name, value) returns false for one that it refuses. The error
// begins with `what` and names the pair.
template <class Take>
Status each_pair(std::string_view what, std::string_view bytes, Take take) {
  NameValueReader reader(bytes);
  while (const auto pair = reader.next()) {
    if (!take(pair->name, pair->value)) {
      return Error{std::string(what) + ": '" + std::string(cut(pair->name, 64)) +
                   "' is unknown or has a value that is not understood"};
    }
  }
  if (reader.failed()) return Error{std::string(what) + ": the name-value pairs break off"};
  return Done{};
}

// A decimal number without sign, blank or leading text, at most `limit`.
std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t limit = UINT64_MAX);

}  // namespace mailorigin
