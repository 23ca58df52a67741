#include "core/counted.h"

namespace mailorigin {

std::string counted(std::uint64_t number, std::string_view one, std::string_view several) {
  std::string out = std::to_string(number) + ' ';
  if (number == 1) return out.append(one);
  if (!several.empty()) return out.append(several);
  return out.append(one) + 's';
}

}  // namespace mailorigin
