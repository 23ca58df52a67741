// The locale in which mail is read and sent: PHP's at its start, whatever a script has set
// since. mail() asks the C library which bytes are control characters, and where a
// character ends for the shell; a script may choose a locale, or write one (LOCPATH).
#pragma once

#include <locale.h>

namespace mailorigin::php {

// When the module starts and ends.
void remember_locale();
void forget_locale();

// Of this thread alone. What comes back is for leave_own_locale(); a call that leaves by
// longjmp may be made good with use_process_locale(), at the request's end.
locale_t enter_own_locale();
void leave_own_locale(locale_t before);
void use_process_locale();

}  // namespace mailorigin::php
