#include "fpm_plugin/own_locale.h"

namespace mailorigin::php {

namespace {

locale_t own = nullptr;

}  // namespace

void remember_locale() {
  own = duplocale(LC_GLOBAL_LOCALE);
  // This one takes no memory.
  if (!own) own = newlocale(LC_ALL_MASK, "C", nullptr);
}

void forget_locale() {
  if (own) freelocale(own);
  own = nullptr;
}

locale_t enter_own_locale() { return uselocale(own); }

void leave_own_locale(locale_t before) { uselocale(before); }

void use_process_locale() { uselocale(LC_GLOBAL_LOCALE); }

}  // namespace mailorigin::php
