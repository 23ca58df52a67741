#include "core/result.h"

#include <system_error>

namespace mailorigin {

Error system_error(std::string_view what, int error_number) {
  return Error{std::string(what) + ": " + std::generic_category().message(error_number)};
}

}  // namespace mailorigin
