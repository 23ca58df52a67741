// What is wrong with a configuration. Each fault is reported, to standard error, and
// the reading goes on to the next.
#pragma once

#include <string>

#include "mod_mailorigin/report.h"

namespace mailorigin::httpd {

class Faults {
 public:
  void add(const std::string& text) {
    report(APLOG_ERR, nullptr, text);
    any_ = true;
  }
  [[nodiscard]] bool any() const { return any_; }

 private:
  bool any_ = false;
};

}  // namespace mailorigin::httpd
