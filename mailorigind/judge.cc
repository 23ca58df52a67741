#include "mailorigind/judge.h"

#include <time.h>
#include <unistd.h>

#include <array>

#include "core/text.h"

namespace mailorigin {

namespace {

std::string host_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

void describe_origin(Event& event, const Context& context) {
  event.set(Field::verified, true);
  event.set(Field::vhost, context.vhost);
  event.set(Field::docroot, context.docroot);
  event.set(Field::entry, context.entry);
  event.set(Field::client, context.client);
  event.set(Field::method, context.method);
  event.set(Field::uri, context.uri);
  event.set(Field::request_id, context.tag.request_id.text());
  if (context.tag.uid != ContextTag::any_uid) {
    event.set(Field::suexec_uid, std::uint64_t{context.tag.uid});
  }
  if ((context.tag.flags & ContextTag::truncated) != 0) event.set(Field::truncated, true);
}

}  // namespace

Moment Moment::now() {
  timespec wall{};
  clock_gettime(CLOCK_REALTIME, &wall);
  return {static_cast<std::uint64_t>(wall.tv_sec) * 1000 +
              static_cast<std::uint64_t>(wall.tv_nsec) / 1'000'000,
          boottime_now_ns()};
}

Judge::Judge()
    : policy_(std::make_shared<const ActivePolicy>(Policy(), std::vector<Fd>())),
      host_(host_name()) {}

void Judge::use(std::shared_ptr<const ActivePolicy> policy) {
  policy_ = std::move(policy);
  std::erase_if(vhost_quotas_,
                [&](const auto& entry) { return policy_->policy().by_id(entry.first) == nullptr; });
}

// The context that the question shows, if it holds for who shows it; else the
// reason why it does not in `refusal`.
Unsealed Judge::unseal_shown(const Question& question, const AskingProcess& asker,
                             const Moment& moment, std::string_view& refusal) {
  Unsealed unsealed;
  if (question.context.empty()) return unsealed;
  unsealed.fault = SealFault::unknown_key;
  if (keys_) unsealed = unseal(question.context, *keys_, moment.boottime_ns);
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
    const Admission admission = limits_->admit(limit_demands(mail), moment.wall_ms * 1'000'000);
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

  constexpr std::string_view busy = "busy";
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
  const Unsealed unsealed = unseal_shown(question, asker, moment, shown.refusal);
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
    event.set(Field::vhost, policy.name);
    event.set(Field::docroot, policy.docroot);
  }
  if (exhausted == nullptr) {
    const bool of_nobody = shown.context == nullptr && of_server;
    apply({event, asker.credentials.uid, policy, of_nobody, &question}, asker, moment, answer);
  }
  if (time_ms_ != moment.wall_ms) {
    time_ms_ = moment.wall_ms;
    time_text_ = rfc3339(time_ms_);
  }
  answer.id = ids_.next(moment.wall_ms).text();
  event.set(Field::time, time_text_);
  event.set(Field::id, answer.id);
  event.set(Field::host, host_);
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

}  // namespace mailorigin
