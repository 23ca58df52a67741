// The real program in this one's place, or as its child.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/fd.h"
#include "submit/exit_status.h"

namespace mailorigin::submit {

struct RealProgram {
  std::string path;
  std::vector<std::string> words;  // argv, the name first
};

// How often this program has become the real one on the way to itself: more than a few times, and
// what is named as the real one starts this one again. The environment counts.
inline constexpr int passes_limit = 8;
int passes();

// Each of these ends this process as the program that it was; where that cannot be, it
// returns why.

// With standard input as it is.
Ending become(const RealProgram& real);
// That reads `text`, and nothing else.
Ending become_reading(const RealProgram& real, std::string_view text);
// That reads `begin` and then what is left of our standard input, which a process of its
// own hands on: neither child nor parent of the program, and gone as soon as one of both is. Where
// not all of it could be handed on, it reads an error (ECONNRESET) in the place of the end.
Ending become_reading_on(const RealProgram& real, std::string_view begin);

// As a child, which reads the one pipe and writes to the other; end_like() is to follow.
struct Child {
  pid_t pid = -1;
  Fd to;
  Fd from;
};
std::variant<Child, Ending> start(const RealProgram& real);
// Waits for its end, and ends in the same way: its status, or its signal.
[[noreturn]] void end_like(pid_t child);

}  // namespace mailorigin::submit
