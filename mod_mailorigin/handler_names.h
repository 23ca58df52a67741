// Names that a module's code could know a handler by. Knows no httpd.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>

namespace mailorigin::httpd {

using HandlerNames = std::set<std::string, std::less<>>;

// Each word that stands in `code` as a whole C string and could be a handler's name: letters,
// digits, dots, dashes and underscores, 3 to 64 of them. Content types are none: whatever module
// answers with one has its name.
void each_handler_name(std::string_view code, const std::function<void(std::string_view)>& visit);

}  // namespace mailorigin::httpd
