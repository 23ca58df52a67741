// One request to a FastCGI server.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "core/result.h"

namespace mailorigin::reports {

using FastcgiParams = std::vector<std::pair<std::string, std::string>>;

// `address` as php-fpm's `listen` takes it: a path, port, address:port or [address]:port.
// What the server prints, headers and all, of at most 64 KiB; it fails where nobody listens, or
// the answer is not there in time.
Result<std::string> ask_fastcgi(const std::string& address, const FastcgiParams& params,
                                std::chrono::milliseconds patience);

}  // namespace mailorigin::reports
