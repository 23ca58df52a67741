#include "mailorigind/asking/registrations.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "core/base64url.h"
#include "mailorigind/limits.h"

namespace mailorigin::daemon {

namespace {

constexpr std::string_view no_firewall = "no-firewall";

// Who shows a page publishes its contexts there; any other process keeps this one.
mo_registration process_of(const Registration& registration, const Process& process, uid_t uid) {
  mo_registration about{};
  about.uid = uid;
  about.tgid = static_cast<std::uint32_t>(process.pid);
  about.start_ticks = process.start;
  about.page = registration.page;
  if (registration.page != 0) return about;
  const std::string context = base64url_decode(registration.context).value_or("");
  const std::string_view shown = context_for_firewall(context);
  about.origin.context_size = static_cast<std::uint16_t>(shown.size());
  std::copy(shown.begin(), shown.end(), about.origin.bytes);
  return about;
}

}  // namespace

std::string_view Registrations::begin(const Registration& registration,
                                      const AskingConnection& connection,
                                      const AskingProcess& asker, const Moment& moment) {
  const std::string_view refusal = judge_.admit(registration.context, asker, moment);
  if (!refusal.empty()) return refusal;
  const uid_t uid = asker.credentials.uid;
  const Process& process = asker.lineage->front();
  if (process.start == 0) return "hidden";  // /proc does not show it (hidepid), nor its start
  if (!waiting_.has_room_for(uid, registrations_at_once, registrations_per_user)) {
    return busy_reason;
  }
  const auto number = firewall_.add(process_of(registration, process, uid));
  if (!number) return no_firewall;
  WaitingAnswer answer{
      connection.fd(), connection.serial, uid, moment.elapsed_ms() + registration_patience_ms, {}};
  answer.answer.nonce = registration.nonce;
  answer.answer.verdict = Verdict::deny;
  answer.answer.reason = no_firewall;
  waiting_.add({Awaited::From::firewall, *number}, std::move(answer));
  return {};
}

}  // namespace mailorigin::daemon
