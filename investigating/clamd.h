// What clamd says of a file's content, which it gets through its socket (INSTREAM): it needs no
// right to the file itself.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "core/result.h"

namespace mailorigin::investigating {

struct ClamdVerdict {
  bool infected = false;
  std::string name;  // of what was found
};

// The socket's path, or "host:port", of the clamd that is configured here; empty: there is none.
std::string usual_clamd();
// What its configuration says: LocalSocket, else TCPSocket and TCPAddr.
std::string clamd_in(std::string_view configuration);

// Fails where it does not answer, or answers with an error.
Result<ClamdVerdict> ask_clamd(
    const std::string& socket,
    const std::function<Status(const std::function<void(std::string_view)>& take)>& content);

// Its reply to INSTREAM: "stream: OK", "stream: NAME FOUND", "TEXT ERROR".
Result<ClamdVerdict> clamd_verdict(std::string_view reply);

}  // namespace mailorigin::investigating
