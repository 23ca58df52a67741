// mailorigin-milter's command line.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "core/result.h"
#include "core/socket_paths.h"

namespace mailorigin::milter {

// What becomes of a message while nobody answers.
enum class OnFailure : std::uint8_t {
  allow,  // it passes, with a line in syslog
  hold,   // it waits: by SMTP the client is told to come again, any other is put on hold
};

struct Options {
  std::string listen;                 // absolute path, or inet:port
  mode_t mode = 0660;                 // of the path
  std::string user;                   // a name, or "#uid"
  std::string mail_user = "postfix";  // who may connect, besides root
  std::string daemon_socket = default_question_socket;
  std::string mail_log;  // empty: none is read
  OnFailure on_failure = OnFailure::allow;
  bool help = false;
  bool version = false;

  // The port of inet:port; nothing for a path.
  [[nodiscard]] std::optional<std::uint16_t> port() const;
};

extern const char usage_text[];

Result<Options> parse_options(int count, const char* const arguments[]);

}  // namespace mailorigin::milter
