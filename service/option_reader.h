// Long options of a command line, as getopt_long(3) takes them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace mailorigin::service {

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

// What a service's command line asks for beside its work, help and version, or what is
// wrong with it, is answered here: the exit status. Nothing: there is work to do.
std::optional<int> answer_options(const char* program, const char* usage, const Error* wrong,
                                  bool help, bool version);
template <class Options>
std::optional<int> answer_options(const char* program, const char* usage,
                                  const Result<Options>& options) {
  return options ? answer_options(program, usage, nullptr, options->help, options->version)
                 : answer_options(program, usage, &options.error(), false, false);
}

bool is_absolute(const std::string& path);

}  // namespace mailorigin::service
