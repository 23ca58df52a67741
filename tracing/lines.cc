#include "tracing/lines.h"

#include <dirent.h>
#include <fcntl.h>
#include <lzma.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <initializer_list>
#include <utility>

#include "core/fd.h"

namespace mailorigin::tracing {

namespace {

constexpr std::size_t block = 256 << 10;
constexpr std::uint64_t unpacking_memory = 256ULL << 20;
constexpr std::size_t files_of_a_log = 1000;

class Plain : public ByteSource {
 public:
  explicit Plain(Fd file) : file_(std::move(file)) {}
  std::size_t read(char* out, std::size_t size) override {
    ssize_t length;
    do {
      length = ::read(file_.get(), out, size);
    } while (length < 0 && errno == EINTR);
    return length < 0 ? 0 : static_cast<std::size_t>(length);
  }

 private:
  Fd file_;
};

class Gzip final : public ByteSource {
 public:
  explicit Gzip(Fd file) : file_(gzdopen(file.release(), "rb")) { gzbuffer(file_, block); }
  ~Gzip() override { gzclose(file_); }
  std::size_t read(char* out, std::size_t size) override {
    const int length = gzread(file_, out, static_cast<unsigned>(size));
    return length < 0 ? 0 : static_cast<std::size_t>(length);
  }

 private:
  gzFile file_;
};

class Xz final : public ByteSource {
 public:
  explicit Xz(Fd file) : packed_(std::move(file)), in_(block, '\0') {
    ended_ = lzma_stream_decoder(&stream_, unpacking_memory, LZMA_CONCATENATED) != LZMA_OK;
  }
  ~Xz() override { lzma_end(&stream_); }
  std::size_t read(char* out, std::size_t size) override {
    stream_.next_out = reinterpret_cast<std::uint8_t*>(out);
    stream_.avail_out = size;
    while (!ended_ && stream_.avail_out == size) {
      if (stream_.avail_in == 0 && !at_end_) {
        stream_.avail_in = packed_.read(in_.data(), in_.size());
        stream_.next_in = reinterpret_cast<const std::uint8_t*>(in_.data());
        at_end_ = stream_.avail_in == 0;
      }
      ended_ = lzma_code(&stream_, at_end_ ? LZMA_FINISH : LZMA_RUN) != LZMA_OK;
    }
    return size - stream_.avail_out;
  }

 private:
  Plain packed_;
  std::string in_;
  lzma_stream stream_ = LZMA_STREAM_INIT;
  bool at_end_ = false;
  bool ended_ = false;
};

class Zstd final : public ByteSource {
 public:
  explicit Zstd(Fd file)
      : packed_(std::move(file)), in_(block, '\0'), stream_(ZSTD_createDStream()) {}
  ~Zstd() override { ZSTD_freeDStream(stream_); }
  std::size_t read(char* out, std::size_t size) override {
    ZSTD_outBuffer to{out, size, 0};
    while (to.pos == 0) {
      if (from_.pos == from_.size) {
        from_ = {in_.data(), packed_.read(in_.data(), in_.size()), 0};
        if (from_.size == 0) break;
      }
      if (ZSTD_isError(ZSTD_decompressStream(stream_, &to, &from_)) != 0) break;
    }
    return to.pos;
  }

 private:
  Plain packed_;
  std::string in_;
  ZSTD_DStream* stream_;
  ZSTD_inBuffer from_{nullptr, 0, 0};
};

}  // namespace

Result<std::unique_ptr<ByteSource>> open_source(const std::string& path) {
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat about {};
  if (!file || fstat(file.get(), &about) != 0) return system_error(path, errno);
  if (!S_ISREG(about.st_mode)) return Error{path + " is no file"};
  unsigned char head[6] = {};
  const ssize_t length = pread(file.get(), head, sizeof head, 0);
  const auto begins = [&](std::initializer_list<unsigned char> bytes) {
    return length >= static_cast<ssize_t>(bytes.size()) &&
           std::equal(bytes.begin(), bytes.end(), head);
  };
  std::unique_ptr<ByteSource> source;
  if (begins({0x1F, 0x8B})) {
    source = std::make_unique<Gzip>(std::move(file));
  } else if (begins({0xFD, '7', 'z', 'X', 'Z', 0})) {
    source = std::make_unique<Xz>(std::move(file));
  } else if (begins({0x28, 0xB5, 0x2F, 0xFD})) {
    source = std::make_unique<Zstd>(std::move(file));
  } else {
    source = std::make_unique<Plain>(std::move(file));
  }
  return source;
}

Result<std::unique_ptr<Lines>> Lines::open(const std::string& path) {
  auto source = open_source(path);
  if (!source) return source.error();
  return std::unique_ptr<Lines>(new Lines(*std::move(source)));
}

bool Lines::fill() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (buffer_.size() < end_ + block) buffer_.resize(end_ + block);
  const std::size_t length = source_->read(buffer_.data() + end_, block);
  end_ += length;
  return length > 0;
}

bool Lines::next(std::string_view& line) {
  std::size_t looked_at = 0;
  bool too_long = false;
  for (;;) {
    const std::string_view left(buffer_.data() + begin_, end_ - begin_);
    const std::size_t at = left.find('\n', looked_at);
    if (at != std::string_view::npos) {
      line = left.substr(0, std::min(at, line_limit));
      begin_ += at + 1;
      return true;
    }
    looked_at = left.size();
    if (left.size() > line_limit) {
      // Its beginning is kept, what follows is passed over.
      too_long = true;
      end_ = begin_ + line_limit;
      looked_at = line_limit;
    }
    if (fill()) continue;
    const std::string_view rest(buffer_.data() + begin_, end_ - begin_);
    begin_ = end_;
    line = rest.substr(0, line_limit);
    return !rest.empty() || too_long;
  }
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
