// Why mailorigin-sendmail ends without the real program, as sysexits.h has it.
#pragma once

#include <sysexits.h>

#include <string>

namespace mailorigin::submit {

struct Ending {
  int status = EX_OK;
  std::string text;  // one line for standard error; begins with its number, "MO0500: ..."
};

}  // namespace mailorigin::submit
