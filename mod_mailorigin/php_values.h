// PHP_VALUE and PHP_ADMIN_VALUE: parameters by which a request changes the
// settings of a php-fpm worker. Knows no httpd.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mailorigin::httpd {

inline constexpr std::string_view php_value_names[] = {"PHP_VALUE", "PHP_ADMIN_VALUE"};

// The name, in capitals, and the value.
using PhpValue = std::pair<std::string, std::string>;
using PhpValues = std::set<PhpValue>;

// The settings that a directive of httpd's gives to requests, as literals:
// SetEnv, PassEnv, SetEnvIf and its kin, RewriteRule's [E=]. One that is put
// together from parts of the request is not known beforehand, and not returned.
std::vector<PhpValue> php_values_of(std::string_view directive,
                                    const std::vector<std::string>& arguments);

// Whether php_values_of() reads that directive.
bool may_set_php_values(std::string_view directive);

}  // namespace mailorigin::httpd
