// Talks to the daemon and the firewall over their sockets in the runtime directory.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "core/blocks.h"
#include "core/policy.h"
#include "core/result.h"
#include "core/unix_socket.h"
#include "core/wire/limiting.h"
#include "core/wire/packet.h"

namespace mailorigin::reports {

// Says `question` and returns what comes of the type `answer`. The error is a sentence: about
// the socket, or what the service has replied instead; remedy_of() has what to do where
// mailorigind does not answer.
Result<Packet> ask(const std::string& socket_path, std::string_view question, MessageType answer);

// What a service says about itself: a JSON object. The error is a sentence about
// what is wrong with the socket.
Result<nlohmann::json> ask_status(const std::string& socket_path);

// The policy that the daemon has in force.
Result<Policy> ask_policy(const std::string& socket_path);
// What is blocked.
Result<Blocks> ask_blocks(const std::string& socket_path);
// What is used of a site's limits; the error: httpd has no such site, too.
Result<SiteLimits> ask_limits(const std::string& socket_path, const ShowLimitsMessage& question);
// Whether mailorigin-firewall keeps a policy, which it forgets when it hears Off: what was
// loaded is in force still, or will be after the next boot. Known of the default directories
// alone (else nothing): another httpd of this host may have none of its own.
std::optional<bool> firewall_policy_is_kept(const std::string& runtime_directory);

}  // namespace mailorigin::reports
