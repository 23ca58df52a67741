// Sink: where a log's lines go: a regular file, a pipe, or syslog.
#pragma once

#include <cerrno>
#include <cstdint>
#include <memory>
#include <optional>

#include "core/policy.h"
#include "mailorigind/delivery/pending_lines.h"
#include "mailorigind/delivery/syslog_socket.h"

namespace mailorigin::daemon {

// An errno value that no write() gives here.
inline constexpr int file_is_deleted = ESTALE;

class Sink {
 public:
  Sink() = default;
  virtual ~Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;

  // Writes as much of what is pending as this kind takes with one call, without
  // waiting: `taken` bytes. 0 or an errno value.
  virtual int write(const PendingLines& pending, std::size_t& taken) = 0;

  // What poll() can wait for when write() said EAGAIN; -1: nothing.
  [[nodiscard]] virtual int pollable() const { return -1; }

  // What only a regular file has: a size, to be noted, and behind it what can be
  // compared after a crash.
  struct File {
    int descriptor = -1;
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::uint64_t size = 0;
  };
  [[nodiscard]] virtual std::optional<File> file() const { return std::nullopt; }
};

// Null where a descriptor is needed and none is there (-1), which stays its owner's.
std::unique_ptr<Sink> make_sink(const LogTarget& target, int descriptor, SyslogSocket& syslog);

}  // namespace mailorigin::daemon
