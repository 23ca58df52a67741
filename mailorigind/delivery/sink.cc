#include "mailorigind/delivery/sink.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "core/syslog_line.h"
#include "mailorigind/limits.h"

namespace mailorigin::daemon {

namespace {

int write_some(int descriptor, std::string_view bytes, std::size_t& taken) {
  ssize_t length;
  do {
    length = ::write(descriptor, bytes.data(), bytes.size());
  } while (length < 0 && errno == EINTR);
  taken = length > 0 ? static_cast<std::size_t>(length) : 0;
  if (length < 0) return errno;
  return length == 0 ? EIO : 0;
}

class FileSink final : public Sink {
 public:
  explicit FileSink(int descriptor) : descriptor_(descriptor) {}

  // Into a file that was deleted nobody would ever read it.
  int write(const PendingLines& pending, std::size_t& taken) override {
    struct stat about {};
    if (fstat(descriptor_, &about) == 0 && about.st_nlink == 0) return file_is_deleted;
    return write_some(descriptor_, pending.rest(), taken);
  }

  [[nodiscard]] std::optional<File> file() const override {
    struct stat about {};
    if (fstat(descriptor_, &about) != 0) return std::nullopt;
    return File{descriptor_, about.st_dev, about.st_ino, static_cast<std::uint64_t>(about.st_size)};
  }

 private:
  const int descriptor_;
};

// Also a device or FIFO that is named as a file.
class PipeSink final : public Sink {
 public:
  explicit PipeSink(int descriptor) : descriptor_(descriptor) {
    const int flags = fcntl(descriptor_, F_GETFL);
    if (flags >= 0) (void)fcntl(descriptor_, F_SETFL, flags | O_NONBLOCK);
  }

  // A unit that is longer than a pipe takes at once goes alone.
  int write(const PendingLines& pending, std::size_t& taken) override {
    return write_some(descriptor_, pending.whole_units(pipe_batch), taken);
  }

  [[nodiscard]] int pollable() const override { return descriptor_; }

 private:
  const int descriptor_;
};

class SyslogSink final : public Sink {
 public:
  // A policy that has been decoded names no other facilities.
  SyslogSink(std::string_view facility, SyslogSocket& socket) : socket_(socket) {
    if (const SyslogFacility* const known = syslog_facility_named(facility)) {
      facility_ = known->number;
    }
  }

  int write(const PendingLines& pending, std::size_t& taken) override {
    const std::string_view line = pending.first_line();
    const int fault =
        socket_.send(facility_, pending.first_time_ms(), line.substr(0, line.size() - 1));
    taken = fault == 0 ? line.size() : 0;
    return fault;
  }

 private:
  int facility_ = syslog_facilities[0].number;
  SyslogSocket& socket_;
};

}  // namespace

std::unique_ptr<Sink> make_sink(const LogTarget& target, int descriptor, SyslogSocket& syslog) {
  if (target.kind == LogTarget::Kind::syslog) {
    return std::make_unique<SyslogSink>(target.name, syslog);
  }
  if (descriptor < 0) return nullptr;
  struct stat about {};
  if (fstat(descriptor, &about) == 0 && S_ISREG(about.st_mode)) {
    return std::make_unique<FileSink>(descriptor);
  }
  return std::make_unique<PipeSink>(descriptor);
}

}  // namespace mailorigin::daemon
