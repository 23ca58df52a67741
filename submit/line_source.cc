#include "submit/line_source.h"

#include <algorithm>

namespace mailorigin::submit {

bool LineSource::fill() {
  if (begin_ > 0) {
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
    end_ -= begin_;
    begin_ = 0;
  }
  const std::size_t length = read_(buffer_.data() + end_, buffer_.size() - end_);
  end_ += length;
  return length > 0;
}

std::string_view LineSource::bytes() {
  if (begin_ == end_) (void)fill();
  return {buffer_.data() + begin_, end_ - begin_};
}

std::optional<LineSource::Line> LineSource::next() {
  bool too_long = false;
  for (;;) {
    const std::string_view at_hand(buffer_.data() + begin_, end_ - begin_);
    const std::size_t end = at_hand.find('\n');
    if (end != std::string_view::npos) {
      begin_ += end + 1;
      std::string_view text = at_hand.substr(0, end);
      if (text.ends_with('\r')) text.remove_suffix(1);
      return Line{text.substr(0, longest), too_long || text.size() > longest};
    }
    if (at_hand.size() >= longest) {
      too_long = true;
      begin_ = end_;
    }
    if (!fill()) return std::nullopt;
  }
}

}  // namespace mailorigin::submit
