#include "mailorigind/judging/judge.h"

#include "core/text.h"
#include "mailorigind/judging/origin.h"

namespace mailorigin::daemon {

Judge::Judge() : policy_(std::make_shared<const ActivePolicy>(Policy(), std::vector<Fd>())) {}

void Judge::use(std::shared_ptr<const ActivePolicy> policy) {
  policy_ = std::move(policy);
  std::erase_if(vhost_quotas_,
                [&](const auto& entry) { return policy_->policy().by_id(entry.first) == nullptr; });
}

Unsealed Judge::unseal_shown(std::string_view context, const AskingProcess& asker,
                             const Moment& moment, std::string_view& refusal) {
  Unsealed unsealed;
  if (context.empty()) return unsealed;
  unsealed.fault = SealFault::unknown_key;
  if (keys_) unsealed = unseal(context, *keys_, moment.boottime_ns);
  if (!unsealed.context) {
    refusal = seal_fault_name(unsealed.fault);
    return unsealed;
  }
  refusal = uid_refusal(*unsealed.context, asker.credentials.uid);
  if (refusal.empty()) {
    if (!asker.lineage) {
      asker.lineage = lineage(asker.credentials.pid, asker.credentials.uid);
      // Each ancestor costs about as much as a question.
      asker.quota.charge(static_cast<double>(asker.lineage->size()));
    }
    if (unsealed.context->tag.boottime_ns + context_grace_ns < began_ns_ ||
        !bindings_.admit(unsealed.context->tag.request_id, *asker.lineage, moment.elapsed_ms())) {
      refusal = "replayed";
    }
  }
  if (!refusal.empty()) unsealed.context.reset();
  return unsealed;
}

// The rules first: a mail that one of them refuses uses up no limit.
void Judge::apply(const RuledMail& mail, const AskingProcess& asker, const Moment& moment,
                  Answer& answer) {
  constexpr std::uint64_t second_ns = 1'000'000'000;
  const auto& denied_scripts = policy_->rules(mail.policy).denied_scripts;
  const std::uint64_t before_ns = denied_scripts.empty() ? 0 : boottime_now_ns();
  Ruling ruling = apply_rules(mail, policy_->policy().unverified, denied_scripts);
  if (!denied_scripts.empty()) {
    asker.quota.charge(static_cast<double>(boottime_now_ns() - before_ns) / rule_ns_per_token);
  }
  if (ruling.verdict != Verdict::deny && limits_ && !mail.policy.limits.empty()) {
    const Admission admission = limits_->admit(limit_demands(mail), moment.boottime_ns);
    if (admission.refused_by) {
      ruling.add(Rule::deny, "limit");
      answer.retry_after = (admission.retry_after_ns.value_or(0) + second_ns - 1) / second_ns;
    } else if (admission.observed_by) {
      ruling.add(Rule::observe, "limit");
    }
  }
  if (ruling.verdict == Verdict::allow) return;
  answer.verdict = ruling.verdict;
  answer.reason = ruling.reason;
}

Judgement Judge::judge(Question& question, const AskingProcess& asker, const Moment& moment) {
  Judgement judgement;
  Answer& answer = judgement.answer;
  answer.nonce = question.nonce;

  constexpr std::string_view busy = busy_reason;
  Quota* exhausted = asker.quota.take(moment.elapsed_ms()) ? nullptr : &asker.quota;
  const auto refused_before = [&] {
    if (exhausted == nullptr) return false;
    answer.id = exhausted->busy_event(moment.elapsed_ms());
    answer.verdict = Verdict::deny;
    answer.reason = busy;
    return !answer.id.empty();
  };
  if (refused_before()) return judgement;

  Shown shown;
  const Unsealed unsealed = unseal_shown(question.context, asker, moment, shown.refusal);
  if (unsealed.context) shown.context = &*unsealed.context;
  const Decision decision = decide(shown, asker.credentials.uid, policy_->policy());
  const VhostPolicy& policy = *decision.policy;

  // The server's settings stand for many who are not each other's neighbours.
  if (exhausted == nullptr && policy.id != policy_->policy().server.id) {
    Quota& quota = vhost_quotas_[policy.id];
    if (!quota.take(moment.elapsed_ms())) exhausted = &quota;
    if (refused_before()) return judgement;
  }
  if (exhausted == nullptr) {
    answer.verdict = decision.verdict;
    answer.reason = decision.reason;
  }
  if (!decision.recorded) return judgement;

  judgement.recorded = true;
  judgement.policy = policy.id;
  Event& event = question.claims;
  const bool of_server = policy.id == policy_->policy().server.id;
  if (shown.context != nullptr) {
    describe_origin(event, *shown.context);
  } else if (!of_server) {
    describe_owner(event, policy);
  }
  if (exhausted == nullptr) {
    const bool of_nobody = shown.context == nullptr && of_server;
    apply({event, asker.credentials.uid, policy, of_nobody, &question}, asker, moment, answer);
  }
  answer.id = stamp_.put(event, moment.wall_ms);
  if (!event.has(Field::kind)) event.set(Field::kind, "mail");
  event.set(Field::verdict, verdict_name(answer.verdict));
  event.set(Field::reason, answer.reason);
  event.set(Field::pid, static_cast<std::uint64_t>(asker.credentials.pid));
  event.set(Field::uid, std::uint64_t{asker.credentials.uid});
  event.set(Field::gid, std::uint64_t{asker.credentials.gid});
  event.set(Field::user, asker.user);
  if (exhausted != nullptr) exhausted->recorded_busy(moment.elapsed_ms(), answer.id);

  std::string value;
  for (const ActivePolicy::Header& header : policy_->rules(policy).headers) {
    value.clear();
    header.format->append(value, event);
    answer.headers.emplace_back(header.name, header_value(value));
  }
  return judgement;
}

std::optional<Context> Judge::admit(std::string_view context, const AskingProcess& asker,
                                    const Moment& moment, std::string_view& refusal) {
  if (!asker.quota.take(moment.elapsed_ms())) {
    refusal = busy_reason;
    return std::nullopt;
  }
  return std::move(unseal_shown(context, asker, moment, refusal).context);
}

}  // namespace mailorigin::daemon
