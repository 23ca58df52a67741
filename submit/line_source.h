// Lines, and bytes between them, from a stream.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>

namespace mailorigin::submit {

// How many bytes were read; 0 at the end.
using Read = std::function<std::size_t(char* into, std::size_t room)>;

class LineSource {
 public:
  static constexpr std::size_t longest = 16'384;  // bytes of a line, its end included

  explicit LineSource(Read read) : read_(std::move(read)) {}

  struct Line {
    std::string_view text;  // without its end; good until the next call
    bool too_long = false;  // `text` is its beginning, and the rest has been passed over
  };
  // Nothing at the end of the stream, where a line without end counts as none.
  std::optional<Line> next();

  // What is at hand, or comes next; empty at the end. take() says how much of it was used.
  std::string_view bytes();
  void take(std::size_t length) { begin_ += length; }

 private:
  // False at the end.
  bool fill();

  const Read read_;
  std::array<char, 2 * longest> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace mailorigin::submit
