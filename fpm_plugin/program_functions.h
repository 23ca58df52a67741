// The functions of PHP's that start programs: what they start, sendmail perhaps, finds the
// request's context in its environment, and the script's line.
#pragma once

namespace mailorigin::php {

// Installs what is there and not installed yet; idempotent.
void install_program_functions();
void remove_program_functions();

}  // namespace mailorigin::php
