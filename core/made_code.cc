#include "core/made_code.h"

#include <cstddef>

#include "core/text.h"

namespace mailorigin {

std::vector<std::string_view> makers_of(std::string_view name) {
  constexpr std::string_view mark = ") : ";
  std::vector<std::string_view> makers;
  // Directories may be called like code: the name's last part says.
  const std::size_t start = name.rfind('/') + 1;
  for (std::size_t end = name.find(mark, start); end != std::string_view::npos;
       end = name.find(mark, end + 1)) {
    std::size_t begin = end;
    while (begin > start && is_digit(name[begin - 1])) begin--;
    if (begin < end && begin > start + 1 && name[begin - 1] == '(') {
      makers.push_back(name.substr(0, begin - 1));
    }
  }
  makers.push_back(name);
  return makers;
}

}  // namespace mailorigin
