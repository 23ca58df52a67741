// Variables of the environment by which libraries that PHP uses find native code to load into
// its process. Who may set one is as good as an extension.
#pragma once

#include <algorithm>
#include <iterator>
#include <string_view>

namespace mailorigin {

inline constexpr std::string_view code_loading_variables[] = {
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

inline bool loads_code(std::string_view name) {
  return std::find(std::begin(code_loading_variables), std::end(code_loading_variables), name) !=
         std::end(code_loading_variables);
}

}  // namespace mailorigin
