// The ids of requests, of one process of httpd's.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <optional>

#include "core/ulid.h"

namespace mailorigin::httpd {

// To be made in each child of httpd, before its threads.
class RequestIds {
 public:
  RequestIds() { begin(); }

  Ulid next(std::uint64_t milliseconds_since_epoch) {
    // mpm-itk forks once more for each connection, and tells no module: a copied
    // generator would give many requests one id. Such a process has one thread.
    if (getpid() != process_) begin();
    return generator_->next(milliseconds_since_epoch);
  }

 private:
  void begin() {
    generator_.emplace();
    process_ = getpid();
  }

  std::optional<UlidGenerator> generator_;
  pid_t process_ = 0;
};

}  // namespace mailorigin::httpd
