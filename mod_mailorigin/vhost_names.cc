#include "mod_mailorigin/vhost_names.h"

#include "core/context.h"
#include "core/text.h"

namespace mailorigin::httpd {

namespace {

// Room for ":65535", an address and a number within context_name_limit.
constexpr std::size_t server_name_limit = context_name_limit - 80;

}  // namespace

VhostName VhostNames::choose(std::string_view server_name, std::uint16_t port,
                             const std::function<std::string()>& address, Place place) {
  VhostName chosen;
  chosen.name = std::string(cut(server_name, server_name_limit)) + ':' + std::to_string(port);
  chosen.id = vhost_id(chosen.name);
  const auto [taken, is_new] = place_of_id_.try_emplace(chosen.id, place);
  if (is_new) return chosen;

  // Two hosts of one name; or, by chance, of one id: with 10,000 hosts that is 1 %.
  const std::string plain = chosen.name;
  const std::string other = taken->second.text();
  const std::string with_address = plain + '@' + address();
  chosen.name = with_address;
  for (unsigned count = 2;; count++) {
    chosen.id = vhost_id(chosen.name);
    if (place_of_id_.try_emplace(chosen.id, place).second) break;
    chosen.name = with_address + '#' + std::to_string(count);
  }
  chosen.warning = "the virtual host " + plain + " (" + place.text() +
                   ") cannot be told from the one at " + other + " and is called " + chosen.name +
                   " in logs and limits: give it a ServerName of its own";
  return chosen;
}

}  // namespace mailorigin::httpd
