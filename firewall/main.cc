// mailorigin-firewall: starts as root, keeps three capabilities, and runs.
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>

#include "core/context.h"
#include "core/default_paths.h"
#include "core/own_procfs.h"
#include "core/socket_paths.h"
#include "core/wire/control.h"
#include "firewall/capabilities.h"
#include "firewall/firewall.h"
#include "firewall/options.h"
#include "firewall/pins.h"
#include "firewall/places.h"
#include "firewall/taken_out.h"
#include "service/block_file.h"
#include "service/handed_over.h"
#include "service/limits.h"
#include "service/notice_board.h"
#include "service/option_reader.h"
#include "service/signals.h"

namespace mailorigin::firewall {

namespace {

constexpr std::chrono::seconds remove_patience{10};

Result<Fd> listen_for(const FirewallOptions& options, const service::Account& daemon) {
  const std::string path = firewall_socket(options.runtime_directory);
  auto listener = listen_unix(path, 0600, static_cast<int>(service::control_connections));
  if (!listener) return listener.error();
  if (lchown(path.c_str(), daemon.uid, daemon.gid) != 0) return system_error(path, errno);
  return listener;
}

// A directory that its user can pin into, and the cgroup: or why not.
Result<Fd> find_place(const FirewallOptions& options, const service::Account& account) {
  auto cgroup = open_cgroup(options.cgroup);
  if (!cgroup) return cgroup.error();
  if (Status entered = enter_pin_directory(options.pin_directory, account); !entered) {
    return entered.error();
  }
  return cgroup;
}

Status serve(const FirewallOptions& options) {
  FirewallHost host;
  host.own_procfs = take_own_procfs();
  auto handed_over = service::take_handed_over();
  if (!handed_over) return handed_over.error();
  const auto account = service::find_account(options.user);
  if (!account) return account.error();
  if (Status made = service::prepare_state_directory(options.state_directory, *account); !made)
    return made;
  umask(077);
  if (chdir("/") != 0) return system_error("/", errno);

  host.state_directory = options.state_directory;
  host.ground.mark = {options.mark, options.mark_mask};
  host.ground.key = service::read_key(options.runtime_directory);
  const auto lock = service::lock_state_directory(options.state_directory, service::lock_patience);
  if (!lock) return lock.error();
  const auto pins_lock =
      lock_pin_directory(options.pin_directory, account->uid, true, service::lock_patience);
  if (!pins_lock) return pins_lock.error();
  if (!options.once) {
    const auto daemon = service::find_account(options.daemon_user);
    if (!daemon) return daemon.error();
    host.daemon_uid = daemon->uid;  // MailOriginUser
    auto listener = listen_for(options, *daemon);
    if (!listener) return listener.error();
    host.listener = *std::move(listener);
    for (service::HandedOver& one : *handed_over) {
      if (one.name == "lifeline") host.lifeline = std::move(one.fd);
    }
  }
  host.ground.cgroup = find_place(options, *account);
  // MailOriginFirewallUser
  if (Status became = become_with_capabilities(*account); !became) return became;
  service::set_signals();

  Firewall firewall(std::move(host));
  const auto started = firewall.start();
  if (!started) return started.error();
  if (!options.once) return firewall.run();
  firewall.print_notices();
  if (!*started) std::puts("mailorigin-firewall: no policy was kept; there is nothing to load");
  return Done{};
}

// Through the one that runs, which would repair what is removed behind its back.
Result<bool> ask_to_remove(const FirewallOptions& options) {
  const auto deadline = std::chrono::steady_clock::now() + remove_patience;
  const auto socket = connect_unix(firewall_socket(options.runtime_directory), deadline);
  if (!socket) return false;
  if (Status sent = send_packet(socket->get(), encode_head(MessageType::remove), deadline); !sent) {
    return sent.error();
  }
  Packet packet;
  if (receive_packet(socket->get(), packet, packet_limit, deadline) != Received::packet) {
    return Error{"the mailorigin-firewall that runs does not answer"};
  }
  const auto reply = decode_reply(packet.bytes);
  if (!reply) return reply.error();
  if (!reply->empty()) return Error{*reply};
  return true;
}

Status remove(const FirewallOptions& options) {
  const auto asked = ask_to_remove(options);
  if (!asked) return asked.error();
  if (*asked) {
    std::puts(
        "mailorigin-firewall: taken out of the kernel by the one that runs; httpd's next "
        "configuration brings it back");
    return Done{};
  }
  const auto pins_lock =
      lock_pin_directory(options.pin_directory, std::nullopt, false, service::lock_patience);
  if (!pins_lock) return pins_lock.error();
  for (const std::string& kept :
       {kept_policy(options.state_directory), kept_names(options.state_directory),
        service::BlockFile::path(options.state_directory)}) {
    if (unlink(kept.c_str()) == 0) std::printf("removed %s\n", kept.c_str());
  }
  // Of a host that has never had a firewall there is no such directory.
  (void)keep_taken_out(options.state_directory, boottime_now_ns());
  if (chdir(options.pin_directory.c_str()) == 0) {
    const auto removed = unpin_all();
    for (const std::string& pin : removed) {
      std::printf("removed %s/%s\n", options.pin_directory.c_str(), pin.c_str());
    }
    if (!removed.empty()) (void)rmdir(options.pin_directory.c_str());
  }
  if (Nftables().remove()) std::puts("removed table inet mailorigin");
  return Done{};
}

int run(int count, const char* const arguments[]) {
  const auto options = parse_firewall_options(count, arguments);
  if (const auto status =
          service::answer_options("mailorigin-firewall", firewall_usage_text, options)) {
    return *status;
  }
  if (const Status done = options->remove ? remove(*options) : serve(*options); !done) {
    service::print_notice({Notice::Level::error, std::string("MO0401: cannot ") +
                                                     (options->remove ? "remove" : "start") + ": " +
                                                     done.error().message});
    return 1;
  }
  return 0;
}

}  // namespace

}  // namespace mailorigin::firewall

int main(int count, char* arguments[]) { return mailorigin::firewall::run(count, arguments); }
