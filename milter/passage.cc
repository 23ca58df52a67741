#include "milter/passage.h"

#include <ifaddrs.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "core/name_values.h"
#include "service/connection_owner.h"

namespace mailorigin::milter {

namespace {

using service::ConnectionOwner;
using service::End;
using service::end_of;
using service::find_owner;

// Where a mail server listens, if it does not say.
constexpr std::array<std::uint16_t, 3> usual_ports = {25, 587, 465};

bool is_our_address(const End& client) {
  ifaddrs* addresses = nullptr;
  if (getifaddrs(&addresses) != 0) return false;
  bool found = false;
  for (const ifaddrs* each = addresses; each != nullptr && !found; each = each->ifa_next) {
    const auto own = end_of(each->ifa_addr);
    found = own && own->ipv6 == client.ipv6 && own->address == client.address;
  }
  freeifaddrs(addresses);
  return found;
}

std::optional<ConnectionOwner> owner_of(const End& client, const char* address, const char* port) {
  const auto number = parse_number(port == nullptr ? "" : port, UINT16_MAX);
  auto server = end_of(std::string_view(address == nullptr ? "" : address),
                       static_cast<std::uint16_t>(number.value_or(0)));
  if (!server) {
    server = client;
    server->port = static_cast<std::uint16_t>(number.value_or(0));
  }
  if (server->port != 0) return find_owner(client, *server);
  for (const std::uint16_t usual : usual_ports) {
    server->port = usual;
    if (auto owner = find_owner(client, *server)) return owner;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Submitter> submitter_of(const sockaddr* address, const char* server_address,
                                      const char* server_port) {
  const auto client = end_of(address);
  // One that has gone before anybody saw where it was may have been here.
  if (!client) return Submitter{.by_smtp = true};
  // pickup(8): no connection has this port.
  if (client->is_loopback() && client->port == 0) return Submitter{};
  if (const auto owner = owner_of(*client, server_address, server_port)) {
    return Submitter{true, owner->cookie, owner->client.told(), owner->server.told(), owner->uid};
  }
  if (client->is_loopback() || is_our_address(*client)) return Submitter{.by_smtp = true};
  return std::nullopt;
}

}  // namespace mailorigin::milter
