// A site's name within a file's. Knows no httpd.
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"

namespace mailorigin::httpd {

// What stands for it in MailOriginLog's file.
inline constexpr std::string_view site_placeholder = "%{site}";

// That no other %{name} stands in a file's path.
Status check_placeholders(std::string_view path);

// The path for one site (a ServerName in lower case). Of the name, letters, digits, `-`, `_` and
// dots that do not begin it stay as they are; any other byte becomes %XX. So it is one name in a
// directory, never hidden, never `..`, and two sites never have the same. Of one that would have
// more than 120 bytes the first 48 stay, and `%-` with its SHA-256 in hex comes behind.
std::string path_of_site(std::string_view path, std::string_view site);

}  // namespace mailorigin::httpd
