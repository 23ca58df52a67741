#include "core/mail/main_cf.h"

#include <algorithm>

#include "core/text.h"

namespace mailorigin {

namespace {

constexpr std::string_view blanks = " \t\r";

}  // namespace

std::optional<std::string> main_cf_setting(std::string_view text, std::string_view name) {
  std::optional<std::string> found;
  bool goes_on = false;  // what the next line may continue is the parameter's
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::string_view words = trimmed(line);
    if (words.empty() || words.front() == '#') continue;  // also between a line and its next
    if (blanks.find(line.front()) != blanks.npos) {
      if (goes_on) *found += (found->empty() ? "" : " ") + std::string(words);
      continue;
    }
    const std::size_t equals = line.find('=');
    goes_on = equals != line.npos && trimmed(line.substr(0, equals)) == name;
    if (goes_on) found = trimmed(line.substr(equals + 1));
  }
  return found;
}

}  // namespace mailorigin
