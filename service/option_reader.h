// Long options of a command line, as getopt_long(3) takes them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace mailorigin {

struct ValueOption {
  std::string_view name;  // with its dashes; "--name value" and "--name=value"
  std::string* value;
};
struct FlagOption {
  std::string_view name;
  bool* flag;
};

// Fills in what is there, the last of several; fails on anything else, naming it.
Status read_options(int count, const char* const arguments[],
                    const std::vector<ValueOption>& values, const std::vector<FlagOption>& flags);

bool is_absolute(const std::string& path);

}  // namespace mailorigin
