#include "mailorigind/connections/deputies.h"

#include <string>
#include <utility>

#include "core/blocks.h"
#include "core/event.h"
#include "core/verdict.h"
#include "mailorigind/journal/event_record.h"
#include "mailorigind/judging/origin.h"

namespace mailorigin::daemon {

void Deputies::use(std::shared_ptr<const ActivePolicy> policy) {
  policy_ = std::move(policy);
  shares_.use(policy_->policy());
}

Result<DeputedConnection> Deputies::read(std::string_view packet, const Moment& moment) const {
  if (!keys_) return Error{"httpd has not sent its key yet"};
  return decode_deputed(packet, *keys_, moment.boottime_ns);
}

Deputies::Answered Deputies::answer(DeputedConnection deputed, const Credentials& httpd,
                                    std::string_view user, const Moment& moment) {
  const Policy& policy = policy_->policy();
  const VhostPolicy* const known = policy.by_id(deputed.request.tag.vhost_id);
  const VhostPolicy& vhost = known != nullptr ? *known : policy.server;
  Event& event = deputed.connection;
  Answered answered;
  Answer& answer = answered.answer;
  answer.nonce = deputed.nonce;
  answer.verdict = verdict_named(event.get(Field::verdict)).value_or(Verdict::deny);
  answer.reason = event.get(Field::reason);
  if (const Block* const block =
          judge_.block_of_request(deputed.request, event.get(Field::file), vhost, moment)) {
    answer.verdict = Verdict::deny;
    answer.reason = "blocked";
    event.set(Field::block, block->description());
  } else if (!vhost.enabled) {  // MailOrigin Off
    return answered;
  }
  if (!shares_.of(vhost.id).take(moment.elapsed_ms())) {
    answer.recorded = false;
    answer.explanation = "there are too many of them";
    return answered;
  }

  answer.id = stamp_.put(event, moment.wall_ms);
  event.set(Field::kind, smtp_kind);
  event.set(Field::verdict, verdict_name(answer.verdict));
  event.set(Field::reason, answer.reason);
  describe_origin(event, deputed.request, policy);
  describe_process(event, httpd, user);
  answered.record =
      recording_.add([&](std::string& out) { append_payload(out, vhost.id, answer, event); });
  if (answer.verdict == Verdict::deny && policy.refused_log) {
    recording_.add([&](std::string& out) {
      append_connection(out, refused_connections, "deputed-" + answer.id, event);
    });
  }
  return answered;
}

}  // namespace mailorigin::daemon
