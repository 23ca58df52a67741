// `mailorigin import`: what another product was told about outgoing mail, in our directives.
#pragma once

#include <cstddef>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace mailorigin::reports {

enum class Product { csf, asl };

std::optional<Product> product_named(std::string_view name);

// Of a settings file, in bytes; csf.conf has some 100 KiB.
inline constexpr std::size_t settings_limit = 1 << 20;

// `directives`: lines for httpd's server configuration; `notes`: what was not carried over, and
// why. What the file says is believed only where it has the form of a number, port, user or group:
// no other text of it gets into a directive. Of csf the text is csf.conf's; of asl that of
// /etc/asl/config, or of an ACL, a user or @group a line. `is_there` says whether this machine has
// an account (`user` or `@group`): httpd does not start with one that is not.
using IsThere = std::function<bool(const std::string& account)>;
nlohmann::json import_report(Product product, std::string_view text, const IsThere& is_there);

// Of this machine.
bool account_is_there(const std::string& account);

}  // namespace mailorigin::reports
