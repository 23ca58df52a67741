// Whose environment had what this process's own lacks: a program may be started with an
// emptied one (`env -i`, Perl that trusts none of its caller's), by one that was not.
#pragma once

#include <sys/types.h>

#include <string>

namespace mailorigin::submit {

// What a request leaves in the environment of the programs that it starts.
struct LeftBehind {
  std::string context;  // empty: nobody has one
  std::string call;     // beside it, if there is one
};

// Of the nearest ancestor of `process` that was started with a context, at most 16 away. Where
// one runs as another user, or does not let itself be looked at, its own ancestors are not asked.
LeftBehind left_to_ancestors(pid_t process, const std::string& proc = "/proc");

}  // namespace mailorigin::submit
