// SyslogSocket: lines to the local syslog without ever waiting for it, which
// syslog(3) would.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "core/fd.h"

namespace mailorigin::daemon {

class SyslogSocket {
 public:
  explicit SyslogSocket(std::string path = "/dev/log") : path_(std::move(path)) {}

  // One datagram as RFC 3164 has it, with the event's time and the priority
  // facility.notice. 0, or an errno value: try again later.
  int send(int facility, std::uint64_t milliseconds_since_epoch, std::string_view line);

 private:
  int connect();

  std::string path_;
  Fd socket_;
};

}  // namespace mailorigin::daemon
