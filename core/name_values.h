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

// A decimal number without sign, blank or leading text, at most `limit`.
std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t limit = UINT64_MAX);

}  // namespace mailorigin
