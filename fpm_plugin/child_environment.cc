#include "fpm_plugin/child_environment.h"

#include <algorithm>
#include <cstdlib>

#include "client/inherited_call.h"
#include "core/context.h"
#include "core/ulid.h"

namespace mailorigin::php {

namespace {

enum { context, call, ticket };  // their places among the variables

// Literals, ended by NUL.
constexpr const char* names[] = {context_variable.data(), client::call_variable.data(),
                                 client::ticket_variable.data()};

// The whole assignment that stands there; null if there is none.
char* standing(const char* name) {
  char* const value = std::getenv(name);
  return value ? value - std::char_traits<char>::length(name) - 1 : nullptr;
}

std::string assignment(const char* name, std::string_view value) {
  return value.empty() ? std::string() : std::string(name) + '=' + std::string(value);
}

}  // namespace

ChildEnvironment::ChildEnvironment()
    : variables_{{{names[context]}, {names[call]}, {names[ticket]}}} {}

bool ChildEnvironment::is_put() const {
  return std::any_of(variables_.begin(), variables_.end(),
                     [](const Variable& variable) { return variable.is_put; });
}

void ChildEnvironment::prepare(std::string_view context_text, std::string_view call_text) {
  if (is_put()) return;
  variables_[context].assignment = assignment(names[context], context_text);
  variables_[call].assignment = assignment(names[call], call_text);
  variables_[ticket].assignment.clear();
  variables_[ticket].assignment.reserve(client::ticket_variable.size() + 1 + Ulid::text_length);
}

void ChildEnvironment::add_ticket(std::string_view event_id) noexcept {
  std::string& text = variables_[ticket].assignment;
  if (is_put() || event_id.size() != Ulid::text_length) return;
  text = client::ticket_variable;
  text += '=';
  text += event_id;
}

bool ChildEnvironment::put() {
  if (is_put()) return false;
  for (Variable& variable : variables_) {
    char* const before = standing(variable.name);
    if (variable.assignment.empty() || (before && variable.assignment == before)) continue;
    variable.displaced = before;
    variable.is_put = putenv(variable.assignment.data()) == 0;
  }
  return is_put();
}

void ChildEnvironment::restore() {
  for (Variable& variable : variables_) {
    if (!variable.is_put) continue;
    variable.is_put = false;
    if (variable.displaced) {
      putenv(variable.displaced);
    } else {
      unsetenv(variable.name);
    }
  }
}

}  // namespace mailorigin::php
