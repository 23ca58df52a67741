#include "fpm_plugin/child_environment.h"

#include <cstdlib>

#include "core/context.h"

namespace mailorigin::php {

namespace {

constexpr const char* name = context_variable.data();  // a literal, ended by NUL

}  // namespace

void ChildEnvironment::prepare(const std::string& context) {
  if (is_put_) return;
  assignment_.clear();
  if (!context.empty()) assignment_ = std::string(context_variable) + '=' + context;
}

bool ChildEnvironment::put() {
  char* const value = std::getenv(name);
  if (is_put_ || assignment_.empty() ||
      (value && assignment_ == value - context_variable.size() - 1))
    return false;
  displaced_ = value ? value - context_variable.size() - 1 : nullptr;
  is_put_ = putenv(assignment_.data()) == 0;
  return is_put_;
}

void ChildEnvironment::restore() {
  if (!is_put_) return;
  is_put_ = false;
  if (displaced_) {
    putenv(displaced_);
  } else {
    unsetenv(name);
  }
}

}  // namespace mailorigin::php
