#include "tracing/unpacking.h"

#include <fcntl.h>
#include <lzma.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <initializer_list>
#include <utility>

#include "core/file.h"

namespace mailorigin::tracing {

namespace {

constexpr std::size_t block = 256 << 10;  // of what is packed
constexpr std::uint64_t unpacking_memory = 256ULL << 20;

class Plain : public ByteSource {
 public:
  explicit Plain(Fd file) : file_(std::move(file)) {}
  std::size_t read(char* out, std::size_t size) override {
    ssize_t length;
    do {
      length = ::read(file_.get(), out, size);
    } while (length < 0 && errno == EINTR);
    if (length < 0) damaged_ = true;
    const std::size_t got = length < 0 ? 0 : static_cast<std::size_t>(length);
    position_ += got;
    return got;
  }
  [[nodiscard]] std::uint64_t position() const override { return position_; }
  [[nodiscard]] bool damaged() const override { return damaged_; }

 private:
  Fd file_;
  std::uint64_t position_ = 0;
  bool damaged_ = false;
};

class Gzip final : public ByteSource {
 public:
  explicit Gzip(Fd file) : file_(gzdopen(file.release(), "rb")) { gzbuffer(file_, block); }
  ~Gzip() override { gzclose(file_); }
  std::size_t read(char* out, std::size_t size) override {
    const int length = gzread(file_, out, static_cast<unsigned>(size));
    return length < 0 ? 0 : static_cast<std::size_t>(length);
  }
  [[nodiscard]] std::uint64_t position() const override {
    const auto offset = gzoffset(file_);
    return offset < 0 ? 0 : static_cast<std::uint64_t>(offset);
  }
  [[nodiscard]] bool damaged() const override {
    int fault = Z_OK;
    (void)gzerror(file_, &fault);
    return fault != Z_OK && fault != Z_STREAM_END;
  }

 private:
  gzFile file_;
};

class Xz final : public ByteSource {
 public:
  explicit Xz(Fd file) : packed_(std::move(file)), in_(block, '\0') {
    said_ = lzma_stream_decoder(&stream_, unpacking_memory, LZMA_CONCATENATED);
  }
  ~Xz() override { lzma_end(&stream_); }
  std::size_t read(char* out, std::size_t size) override {
    stream_.next_out = reinterpret_cast<std::uint8_t*>(out);
    stream_.avail_out = size;
    while (said_ == LZMA_OK && stream_.avail_out == size) {
      if (stream_.avail_in == 0 && !at_end_) {
        stream_.avail_in = packed_.read(in_.data(), in_.size());
        stream_.next_in = reinterpret_cast<const std::uint8_t*>(in_.data());
        at_end_ = stream_.avail_in == 0;
      }
      said_ = lzma_code(&stream_, at_end_ ? LZMA_FINISH : LZMA_RUN);
    }
    return size - stream_.avail_out;
  }
  [[nodiscard]] std::uint64_t position() const override { return packed_.position(); }
  [[nodiscard]] bool damaged() const override {
    return packed_.damaged() || (said_ != LZMA_OK && said_ != LZMA_STREAM_END);
  }

 private:
  Plain packed_;
  std::string in_;
  lzma_stream stream_ = LZMA_STREAM_INIT;
  bool at_end_ = false;
  lzma_ret said_ = LZMA_OK;
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
      missing_ = ZSTD_decompressStream(stream_, &to, &from_);
      if (ZSTD_isError(missing_) != 0) break;
    }
    return to.pos;
  }
  [[nodiscard]] std::uint64_t position() const override { return packed_.position(); }
  [[nodiscard]] bool damaged() const override { return packed_.damaged() || missing_ != 0; }

 private:
  Plain packed_;
  std::string in_;
  ZSTD_DStream* stream_;
  ZSTD_inBuffer from_{nullptr, 0, 0};
  std::size_t missing_ = 0;  // of a frame that has begun, or an error
};

class Bounded final : public ByteSource {
 public:
  Bounded(std::unique_ptr<ByteSource> whole, std::uint64_t limit)
      : whole_(std::move(whole)), left_(limit) {}
  std::size_t read(char* out, std::size_t size) override {
    const std::size_t length = whole_->read(out, std::min<std::uint64_t>(size, left_));
    left_ -= length;
    return length;
  }
  [[nodiscard]] std::uint64_t position() const override { return whole_->position(); }
  [[nodiscard]] bool damaged() const override { return left_ == 0 || whole_->damaged(); }

 private:
  std::unique_ptr<ByteSource> whole_;
  std::uint64_t left_;
};

// Of an open file.
std::uint64_t unpacked_limit(int fd) {
  constexpr std::uint64_t block_size = 512;  // that st_blocks counts
  struct stat about {};
  const bool known = fstat(fd, &about) == 0 && about.st_blocks > 0;
  const std::uint64_t taken = known ? static_cast<std::uint64_t>(about.st_blocks) * block_size : 0;
  return unpacked_base + unpacked_ratio * taken;
}

}  // namespace

Result<std::unique_ptr<ByteSource>> open_source(const std::string& path) {
  auto opened = open_regular_file(path, 0);
  if (!opened) return opened.error();
  Fd file = *std::move(opened);
  const std::uint64_t limit = unpacked_limit(file.get());
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
  source = std::make_unique<Bounded>(std::move(source), limit);
  return source;
}

}  // namespace mailorigin::tracing
