#include "tracing/lines.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace mailorigin::tracing {

namespace {

constexpr std::size_t block = 256 << 10;  // at once
static_assert(block >= line_limit);
constexpr std::size_t files_of_a_log = 1000;

}  // namespace

LineBlocks::LineBlocks(std::unique_ptr<ByteSource> source)
    : source_(std::move(source)), buffer_(2 * block, '\0') {}

Result<std::unique_ptr<Lines>> Lines::open(const std::string& path) {
  auto source = open_source(path);
  if (!source) return source.error();
  return std::unique_ptr<Lines>(new Lines(*std::move(source)));
}

bool LineBlocks::next(std::string_view& lines) {
  for (;;) {
    // What a line has begun with stands in front of what follows.
    const std::size_t begun = end_ - begin_;
    if (begin_ > 0) std::memmove(buffer_.data(), buffer_.data() + begin_, begun);
    begin_ = 0;
    const std::size_t length = source_->read(buffer_.data() + begun, block);
    end_ = begun + length;
    unpacked_ += length;
    std::string_view got(buffer_.data(), end_);
    if (length == 0) {
      begin_ = end_;
      lines = got;
      return !lines.empty();
    }
    if (passing_over_) {
      const std::size_t at = got.find('\n');
      begin_ = std::min(at, end_ - 1) + 1;
      passing_over_ = at == std::string_view::npos;
      got.remove_prefix(begin_);
    }
    const std::size_t last = got.rfind('\n');
    if (last != std::string_view::npos) {
      lines = got.substr(0, last + 1);
      begin_ += last + 1;
      return true;
    }
    if (got.size() > line_limit) {
      // Its beginning is a line, what follows is passed over.
      char* const line = buffer_.data() + begin_;
      line[line_limit] = '\n';
      lines = {line, line_limit + 1};
      begin_ = end_;
      passing_over_ = true;
      return true;
    }
  }
}

bool Lines::next(std::string_view& line) {
  if (left_.empty() && !blocks_.next(left_)) return false;
  const std::size_t end = std::min(left_.find('\n'), left_.size());
  line = left_.substr(0, std::min(end, line_limit));
  left_.remove_prefix(std::min(end + 1, left_.size()));
  return true;
}

std::vector<std::string> with_rotated(const std::string& path, std::uint64_t since_s) {
  const std::size_t slash = path.rfind('/') + 1;
  const std::string directory = path.substr(0, slash);
  const std::string name = path.substr(slash);
  std::vector<std::pair<std::uint64_t, std::string>> found;
  DIR* const opened = opendir(directory.empty() ? "." : directory.c_str());
  while (const dirent* entry = opened != nullptr ? readdir(opened) : nullptr) {
    const std::string_view each = entry->d_name;
    if (!each.starts_with(name) || found.size() == files_of_a_log) continue;
    const std::string_view rest = each.substr(name.size());
    const bool rotated =
        rest.size() > 1 && (rest[0] == '.' || rest[0] == '-') && rest[1] >= '0' && rest[1] <= '9';
    if (!rest.empty() && !rotated) continue;
    struct stat about {};
    const std::string whole = directory + std::string(each);
    if (stat(whole.c_str(), &about) != 0 || !S_ISREG(about.st_mode)) continue;
    const auto changed = static_cast<std::uint64_t>(std::max<time_t>(about.st_mtime, 0));
    if (changed >= since_s) found.emplace_back(changed, whole);
  }
  if (opened != nullptr) closedir(opened);
  std::sort(found.begin(), found.end());
  std::vector<std::string> out;
  for (auto& [changed, file] : found) out.push_back(std::move(file));
  return out;
}

}  // namespace mailorigin::tracing
