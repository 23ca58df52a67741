#include "mod_mailorigin/firewall_arguments.h"

#include <grp.h>

#include <cstdint>
#include <string>
#include <utility>

#include "core/name_values.h"
#include "core/text.h"

namespace mailorigin::httpd {

namespace {

std::string quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

Result<std::uint32_t> parse_group(std::string_view argument) {
  if (argument.starts_with('#')) {
    const auto gid = parse_number(argument.substr(1), UINT32_MAX - 1);
    if (gid) return static_cast<std::uint32_t>(*gid);
    return Error{quoted(argument) + " is not a group: a # stands before a number below 4294967295"};
  }
  const group* const entry = getgrnam(std::string(argument).c_str());
  if (entry != nullptr) return std::uint32_t{entry->gr_gid};
  return Error{quoted(argument) + " is not a group of this machine (@group or @#gid)"};
}

}  // namespace

Result<FirewallMode> parse_firewall_mode(std::string_view argument) {
  for (const FirewallMode mode : {FirewallMode::off, FirewallMode::observe, FirewallMode::on}) {
    if (equal_ignoring_case(argument, firewall_mode_name(mode))) return mode;
  }
  return Error{quoted(argument) + " is not one of Off, observe, On"};
}

Result<std::uint16_t> parse_port(std::string_view argument) {
  const auto port = parse_number(argument, UINT16_MAX);
  if (port && *port != 0) return static_cast<std::uint16_t>(*port);
  return Error{quoted(argument) + " is not a port: a number from 1 to 65535"};
}

Status add_smtp_account(std::string_view argument, Users& users, SmtpAccounts& accounts) {
  const bool is_group = argument.starts_with('@');
  const auto id = is_group ? parse_group(argument.substr(1)) : parse_user(argument, users);
  if (!id) return id.error();
  (is_group ? accounts.gids : accounts.uids).push_back(*id);
  return Done{};
}

Result<SmtpChoice> parse_smtp_choice(std::string_view rule, std::string_view relay) {
  SmtpChoice choice;
  const auto named = smtp_rule_named(rule);
  if (!named) {
    return Error{quoted(rule) + " is not one of deny, observe, allow, redirect host:port"};
  }
  choice.rule = *named;
  if (choice.rule != SmtpRule::redirect) {
    if (relay.empty()) return choice;
    return Error{quoted(relay) + " is one argument too many after " + std::string(rule)};
  }
  auto destination = parse_smtp_destination(relay);
  if (!destination || !destination->port || destination->prefix) {
    return Error{quoted(relay) +
                 " is not where connections can be redirected to: host:port, or [address]:port "
                 "for IPv6"};
  }
  choice.relay = *std::move(destination);
  return choice;
}

}  // namespace mailorigin::httpd
