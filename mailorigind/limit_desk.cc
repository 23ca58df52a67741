#include "mailorigind/limit_desk.h"

#include <fcntl.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "core/fd.h"
#include "core/file.h"
#include "core/sealed_memory.h"
#include "core/text.h"
#include "core/wire/limiting.h"
#include "mailorigind/limits.h"
#include "service/kept_file.h"

namespace mailorigin::daemon {

namespace {

constexpr const char* not_kept = "limit resets kept";  // name of a finding

Error no_site(const std::string& site) {
  return Error{"no virtual host has the ServerName " + one_line(site) +
               "; `mailorigin policy` lists them"};
}

Error no_policy() { return Error{"httpd has not sent its configuration yet"}; }

}  // namespace

Result<LimitResets> LimitDesk::read() const {
  const Fd file(open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file && errno == ENOENT) return LimitResets();
  if (!file) return system_error(path_, errno);
  const auto bytes = read_file(file.get(), resets_size_limit);
  if (!bytes) return bytes.error().context(path_);
  auto resets = LimitResets::decode(*bytes);
  if (!resets) return resets.error().context(path_);
  return resets;
}

void LimitDesk::load() {
  auto resets = read();
  if (resets) {
    limits_.use(*std::move(resets));
  } else {
    notices_.say(Notice::Level::error,
                 "MO0283: " + resets.error().message +
                     "; limits that `mailorigin limits --reset` has set back count as before");
  }
}

Status LimitDesk::show(const Packet& packet, int socket, const Policy* policy,
                       std::uint64_t started_ms, const Moment& now) const {
  const auto question = decode_show_limits(packet.bytes);
  if (!question) return question.error();
  if (policy == nullptr) return no_policy();
  auto limits = limits_.of(*policy, *question, now.boottime_ns);
  if (!limits) return no_site(question->site);
  limits->started_ms = started_ms;
  const auto memory = sealed_memory("mailorigin-limits", encode_site_limits(*limits));
  if (!memory) return memory.error();
  return send_packet(socket, encode_head(MessageType::limits_shown),
                     std::chrono::steady_clock::now(), {memory->get()});
}

Status LimitDesk::reset(const Packet& packet, int socket, const Policy* policy, const Moment& now) {
  auto message = decode_reset_limits(packet.bytes);
  if (!message) return message.error();
  if (policy == nullptr) return no_policy();
  const auto limits = limits_.of(*policy, {message->site}, now.boottime_ns);
  if (!limits) return no_site(message->site);
  if (limits->limits.empty()) {
    return Error{one_line(message->site) + " has no MailOriginLimit: nothing is set back"};
  }
  notices_.say(Notice::Level::notice,
               "MO0280: limits set back: of " + one_line(message->site + " by " + message->by));
  limits_.reset({std::move(message->site), now.wall_ms, std::move(message->by)});
  return answers_.give(socket, [this, since_ms = now.wall_ms, bytes = limits_.resets().encode()] {
    return encode_limits_reset({since_ms, keep(bytes)});
  });
}

// Why they are not; empty if they are.
std::string LimitDesk::keep(const std::string& encoded) {
  if (const Status kept = service::replace_file(path_, encoded); !kept) {
    notices_.begins(not_kept, Notice::Level::error,
                    "MO0281: " + kept.error().message +
                        "; limits that were set back are so, but after the next start they "
                        "count as before");
    return kept.error().message;
  }
  notices_.over(not_kept, "MO0282: resets of limits are kept again");
  return {};
}

}  // namespace mailorigin::daemon
