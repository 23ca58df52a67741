#include "reports/administrator.h"

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "core/blocks.h"
#include "core/file.h"
#include "core/name_values.h"
#include "core/text.h"
#include "reports/accounts.h"

namespace mailorigin::reports {

std::string administrator() {
  constexpr std::size_t digits = 16;
  const auto login = read_file("/proc/self/loginuid", digits);
  // Nobody has logged in where it is the largest number: cron, a container.
  const auto uid = login ? parse_number(*login, UINT32_MAX - 1) : std::nullopt;
  const char* const sudo = std::getenv("SUDO_USER");
  const std::string name = uid               ? user_text(static_cast<std::uint32_t>(*uid))
                           : sudo != nullptr ? std::string(sudo)
                                             : user_text(getuid());
  return std::string(cut(name, block_author_limit));
}

}  // namespace mailorigin::reports
