// Hands the policy to the daemon over its control socket.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/fd.h"
#include "core/result.h"
#include "core/unix_socket.h"
#include "core/wire/control.h"

namespace mailorigin::httpd {

struct Pushed {
  Fd connection;        // stays open: it says that this httpd lives, and carries notices
  std::string refusal;  // empty: the daemon uses the policy
  std::vector<Notice> notices;
};

// Connects to `control_path`, sends everything and waits for the answer, until
// `deadline` or until `wait_on`, asked ten times a second, says no. An error:
// nobody there, or no answer. `descriptors` are those of the policy's file and
// pipe targets, in order; `request_counts` is RequestCounts', or -1.
Result<Pushed> push_policy(const std::string& control_path, const PolicyMessage& message,
                           int policy, const std::vector<int>& descriptors, int request_counts,
                           Deadline deadline, const std::function<bool()>& wait_on);

// What has arrived since. False: the connection has ended.
bool read_notices(int connection, std::vector<Notice>& notices);

}  // namespace mailorigin::httpd
