#include "mod_mailorigin/vhost_names.h"

#include "core/context.h"
#include "core/text.h"

namespace mailorigin::httpd {

namespace {

// Room for ":65535", an address and a number within context_name_limit.
constexpr std::size_t server_name_limit = context_name_limit - 80;

}  // namespace

bool VhostNames::take(const VhostName& candidate, Place place) {
  if (names_.contains(candidate.name) || place_of_id_.contains(candidate.id)) return false;
  names_.insert(candidate.name);
  place_of_id_.emplace(candidate.id, place);
  return true;
}

VhostName VhostNames::choose(std::string_view server_name, std::uint16_t port,
                             std::string_view address, Place place) {
  VhostName chosen;
  chosen.name = std::string(cut(server_name, server_name_limit)) + ':' + std::to_string(port);
  chosen.id = vhost_id(chosen.name);
  if (take(chosen, place)) return chosen;

  // Two hosts of one name; or, by chance, of one id: with 10,000 hosts that is 1 %.
  const std::string plain = chosen.name;
  const std::string other = place_of_id_.at(chosen.id).text();
  for (unsigned count = 1;; count++) {
    chosen.name = plain + '@' + std::string(address);
    if (count > 1) chosen.name += '#' + std::to_string(count);
    chosen.id = vhost_id(chosen.name);
    if (take(chosen, place)) break;
  }
  chosen.warning = "the virtual host " + plain + " (" + place.text() +
                   ") cannot be told from the one at " + other + " and is called " + chosen.name +
                   " in logs and limits: give it a ServerName of its own";
  return chosen;
}

}  // namespace mailorigin::httpd
