// The context in the environment of the programs that a call starts.
//
// An FPM worker's context comes as a FastCGI parameter, which sendmail and what
// it starts would not inherit. Only for builds without threads: the environment
// is the process's.
#pragma once

#include <string>

namespace mailorigin::php {

class ChildEnvironment {
 public:
  // Does all that needs memory. May throw std::bad_alloc.
  void prepare(const std::string& context);

  // Puts the prepared context into the environment until restore(). False if there
  // is nothing to do: no context, or it stands there already.
  bool put();

  // Brings back what stood there before put(); does nothing without one.
  void restore();

 private:
  // "NAME=value"; the environment points into it while put. setenv() would keep
  // a copy of each value for as long as the process lives.
  std::string assignment_;  // empty without a context
  char* displaced_ = nullptr;
  bool is_put_ = false;
};

}  // namespace mailorigin::php
