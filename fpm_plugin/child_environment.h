// What the programs that a call starts find in their environment: the context, where the
// call stands, and a mail's ticket.
//
// An FPM worker's context comes as a FastCGI parameter, which sendmail and what
// it starts would not inherit. Only for builds without threads: the environment
// is the process's.
#pragma once

#include <array>
#include <string>
#include <string_view>

namespace mailorigin::php {

class ChildEnvironment {
 public:
  ChildEnvironment();

  // Does all that needs memory. May throw std::bad_alloc. `call` is encode_call()'s; an
  // empty text is left out.
  void prepare(std::string_view context, std::string_view call);
  // The event of the mail that the programs are started for; needs no memory. One that
  // is no event's id is left out.
  void add_ticket(std::string_view event_id) noexcept;

  // Puts what is prepared into the environment until restore(). False if there
  // is nothing to do: it stands there already, or nothing is prepared.
  bool put();

  // Brings back what stood there before put(); does nothing without one.
  void restore();

  // "NAME=value", with an empty text for what is left out.
  struct Variable {
    const char* name;
    std::string assignment{};
    char* displaced = nullptr;
    bool is_put = false;
  };
  [[nodiscard]] const std::array<Variable, 3>& variables() const { return variables_; }

 private:
  [[nodiscard]] bool is_put() const;

  // The environment points into them while put. setenv() would keep a copy of each
  // value for as long as the process lives.
  std::array<Variable, 3> variables_;
};

}  // namespace mailorigin::php
