#include "service/option_reader.h"

#include <algorithm>
#include <cstdio>

namespace mailorigin::service {

Status read_options(int count, const char* const arguments[],
                    const std::vector<ValueOption>& values, const std::vector<FlagOption>& flags) {
  for (int i = 1; i < count; i++) {
    const std::string_view argument = arguments[i];
    const auto flag = std::find_if(flags.begin(), flags.end(),
                                   [&](const FlagOption& each) { return each.name == argument; });
    if (flag != flags.end()) {
      *flag->flag = true;
      continue;
    }
    const std::size_t equals = argument.find('=');
    const std::string_view name = argument.substr(0, equals);
    const auto option = std::find_if(values.begin(), values.end(),
                                     [&](const ValueOption& each) { return each.name == name; });
    if (option == values.end()) return Error{"'" + std::string(argument) + "' is not an option"};
    if (equals != std::string_view::npos) {
      *option->value = argument.substr(equals + 1);
    } else if (i + 1 < count) {
      *option->value = arguments[++i];
    } else {
      return Error{std::string(name) + " needs a value"};
    }
  }
  return Done{};
}

std::optional<int> answer_options(const char* program, const char* usage, const Error* wrong,
                                  bool help, bool version) {
  constexpr int misused = 2;
  if (wrong != nullptr) {
    std::fprintf(stderr, "%s: %s\n%s", program, wrong->message.c_str(), usage);
    return misused;
  }
  if (help) {
    std::fputs(usage, stdout);
    return 0;
  }
  if (version) {
    std::printf("%s " MAILORIGIN_VERSION "\n", program);
    return 0;
  }
  return std::nullopt;
}

bool is_absolute(const std::string& path) { return path.starts_with('/'); }

}  // namespace mailorigin::service
