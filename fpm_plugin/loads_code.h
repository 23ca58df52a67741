// Variables of the environment by which libraries that PHP's extensions use find native code
// to load into the process. A script that may set one is as good as an extension.
#pragma once

#include <algorithm>
#include <iterator>
#include <string_view>

namespace mailorigin::php {

inline bool loads_code(std::string_view name) {
  constexpr std::string_view variables[] = {
      "GCONV_PATH",                // the C library's converters: iconv
      "GSS_MECH_CONFIG",           // Kerberos: curl, imap, ldap
      "KRB5_CONFIG",               //
      "LOCPATH",                   // its locales, which it believes as they are
      "MAGICK_CODER_FILTER_PATH",  // ImageMagick: imagick
      "MAGICK_CODER_MODULE_PATH",  //
      "OPENSSL_ENGINES",           // OpenSSL: curl, openssl, pgsql
      "OPENSSL_MODULES",           //
      "SASL_PATH",                 // Cyrus SASL: ldap
  };
  return std::find(std::begin(variables), std::end(variables), name) != std::end(variables);
}

}  // namespace mailorigin::php
