#include "mailorigind/judging/judge.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "core/event.h"
#include "core/text.h"
#include "mailorigind/judging/blocking.h"
#include "mailorigind/judging/origin.h"
#include "mailorigind/limits.h"

namespace mailorigin::daemon {

namespace {

// Where a script without a context says that it lies, or was started.
std::string_view place_of(const Question& question) {
  const std::string& entry = question.claims.get(Field::entry);
  if (entry.starts_with('/')) return entry;
  const std::string& file = question.claims.get(Field::file);
  return file.starts_with('/') ? std::string_view(file) : std::string_view(question.directory);
}

// To who is blocked: how long still, since when, and why. By whom the log says.
void explain(const Block& block, std::uint64_t now_ms, Answer& answer) {
  constexpr std::size_t to_the_minute = 16;
  if (block.until_ms) {
    answer.retry_after = (*block.until_ms - std::min(*block.until_ms, now_ms) + 999) / 1000;
  }
  std::string text = "since " + rfc3339(block.since_ms).substr(0, to_the_minute) + 'Z';
  if (!block.reason.empty()) text += ": " + block.reason;
  append_one_line(answer.explanation, cut(text, explanation_limit));
}

}  // namespace

Judge::Judge() : policy_(std::make_shared<const ActivePolicy>(Policy(), std::vector<Fd>())) {}

void Judge::use(std::shared_ptr<const ActivePolicy> policy) {
  policy_ = std::move(policy);
  holders_.use(policy_->policy().queue);
  limits_.use(policy_->policy());
  vhost_quotas_.use(policy_->policy());
  shares_of_hosts_.use(policy_->policy());
}

Judge::Examined Judge::examine(std::string_view text, const AskingProcess& asker,
                               const Moment& moment) {
  if (asker.queued != nullptr) {
    if (asker.queued->context == nullptr) return {};
    return {*asker.queued->context, {}};
  }
  if (text.empty()) return {};
  Unsealed unsealed;
  unsealed.fault = SealFault::unknown_key;
  if (keys_) unsealed = unseal(text, *keys_, moment.boottime_ns);
  if (!unsealed.context) return {std::nullopt, seal_fault_name(unsealed.fault)};
  const std::string_view refusal = foreign_to(*unsealed.context, asker, moment);
  return {std::move(unsealed.context), refusal};
}

// By what is shown; where that does not count, by what the kernel has kept.
Judge::Examined Judge::find_origin(std::string_view text, const AskingProcess& asker,
                                   const Moment& moment) {
  Examined examined = examine(text, asker, moment);
  if (!examined.context || !examined.refusal.empty()) examined.known = known(asker, moment);
  return examined;
}

std::optional<KnownProcess> Judge::known(const AskingProcess& asker, const Moment& moment) {
  const Credentials& credentials = asker.credentials;
  if (asker.queued != nullptr || credentials.pid == 0) return std::nullopt;
  const auto snapshot = origin_of_(credentials.pid);
  if (!snapshot) return std::nullopt;
  if (!asker.lineage) asker.lineage = lineage(credentials.pid, credentials.uid);
  auto known = known_process(*snapshot, *asker.lineage, credentials.uid, keys_, policy_->policy(),
                             moment.boottime_ns);
  if (!known) return std::nullopt;
  // The kernel has read it where the worker's own code may write: another's request may stand
  // there.
  std::vector<Process> family = *asker.lineage;
  family.push_back(known->worker);
  if (!bindings_.admit(known->context.tag.request_id, credentials.uid, family,
                       moment.elapsed_ms())) {
    return std::nullopt;
  }
  return known;
}

// Why a context whose seal holds is not the asker's own; empty if it is.
std::string_view Judge::foreign_to(const Context& context, const AskingProcess& asker,
                                   const Moment& moment) {
  const std::string_view refusal =
      uid_refusal(context, asker.credentials.uid, policy_->policy().by_id(context.tag.vhost_id));
  if (!refusal.empty()) return refusal;
  if (asker.credentials.pid == 0) return "pid-namespace";  // nothing to bind it to
  if (!asker.lineage) asker.lineage = lineage(asker.credentials.pid, asker.credentials.uid);
  if (context.tag.boottime_ns + context_grace_ns < began_ns_ ||
      !bindings_.admit(context.tag.request_id, asker.credentials.uid, *asker.lineage,
                       moment.elapsed_ms())) {
    return "replayed";
  }
  return {};
}

// Every policy that the mail is under, and the strictest holds. The rules first: a
// mail that one of them refuses uses up no limit.
void Judge::apply(const RuledMail& mail, const Decision& decision, const Block* block,
                  const QueuedBy* queued, const Moment& moment, Answer& answer) {
  constexpr std::uint64_t second_ns = 1'000'000'000;
  const bool can_hold = holders_.any(moment.elapsed_ms());
  Ruling ruling;
  if (queued != nullptr && queued->unrecorded) {
    ruling.reason = "unrecorded";  // also where it is allowed
    ruling.add(*queued->unrecorded, ruling.reason);
  }
  if (block != nullptr) ruling.add(block->hold ? Rule::hold : Rule::deny, "blocked");
  AskedLimits limits(can_hold, limits_.resets());
  exceeded_.clear();
  const auto add = [&](const VhostPolicy& policy, Standing standing) {
    const RuledMail under{mail.event, mail.uid, policy, standing, mail.question, mail.completion};
    ruling.add(
        apply_rules(under, policy_->policy().unverified, policy_->rules(policy).denied_scripts));
    limits.add(under);
  };
  if (decision.recorded) add(mail.policy, mail.standing);  // else MailOrigin Off
  for (const VhostPolicy* port : decision.ports) add(*port, mail.standing);
  if (decision.also != nullptr) add(*decision.also, Standing::foreign);
  if (!can_hold) ruling.refuse_held();
  const bool is_counted = mail.uid != Credentials().uid;  // else everybody unknown would be one
  const bool asks = is_counted && !limits.demands().empty();
  if (ruling.verdict != Verdict::deny && asks && limits_.counts()) {
    const Admission admission = limits_.admit(limits, moment.boottime_ns);
    const auto exceed = [&](std::size_t demand) {
      ruling.add(limits.action(demand), "limit");
      exceeded_.push_back(limits.exceeded(demand, mail));
    };
    for (const std::size_t each : admission.exceeded) exceed(each);
    if (admission.refused_by) {
      exceed(*admission.refused_by);
      answer.retry_after = (admission.retry_after_ns.value_or(0) + second_ns - 1) / second_ns;
    }
    if (!can_hold) ruling.refuse_held();
  }
  if (ruling.verdict == Verdict::allow && ruling.reason.empty()) return;
  answer.verdict = ruling.verdict;
  answer.reason = ruling.reason;
}

Judgement Judge::judge(Question& question, const AskingProcess& asker, const Moment& moment) {
  Judgement judgement;
  Answer& answer = judgement.answer;
  answer.nonce = question.nonce;
  Quota* exhausted = asker.quota.take(moment.elapsed_ms()) ? nullptr : &asker.quota;
  if (exhausted != nullptr && question.context.empty() &&
      refuse_again(*exhausted, moment, answer)) {
    return judgement;
  }

  // A flood is not worth asking the kernel about.
  const Examined examined = exhausted == nullptr ? find_origin(question.context, asker, moment)
                                                 : examine(question.context, asker, moment);
  const Shown shown = examined.shown();
  const Decision decision =
      decide(shown, asker.credentials.uid, place_of(question), policy_->policy());
  const VhostPolicy& policy = *decision.policy;
  if (exhausted == nullptr) exhausted = exhausted_by_vhost(policy, moment);
  if (exhausted != nullptr && has_share_of_its_own(shown, policy, moment)) exhausted = nullptr;
  if (exhausted != nullptr && refuse_again(*exhausted, moment, answer)) return judgement;
  if (exhausted == nullptr) answer.reason = decision.reason;
  const Block* const block = block_of(question, asker.credentials.uid, shown, decision, moment);
  if (!decision.recorded && block == nullptr) return judgement;  // MailOrigin Off

  judgement.recorded = true;
  judgement.policy = policy.id;
  Event& event = question.claims;
  describe_origin(event, examined, policy);
  if (exhausted == nullptr && !(asker.queued != nullptr && asker.queued->trusted)) {
    const bool of_nobody = shown.context == nullptr && is_server(policy);
    apply({event, asker.credentials.uid, policy, of_nobody ? Standing::of_nobody : Standing::own,
           &question, asker.queued != nullptr ? asker.queued->completion : nullptr},
          decision, block, asker.queued, moment, answer);
    if (block != nullptr) event.set(Field::block, block->description());
    if (block != nullptr && answer.verdict == Verdict::deny) {
      explain(*block, moment.wall_ms, answer);
    }
  }
  if (asker.queued != nullptr && !asker.queued->refusable && answer.verdict == Verdict::deny) {
    answer.verdict = Verdict::hold;
  }
  answer.id = stamp_.put(event, moment.wall_ms);
  for (const ExceededLimit& each : exceeded_) {
    limits_.note(each, answer.id, answer.verdict, moment.wall_ms);
  }
  exceeded_.clear();
  event.set(Field::kind, question.submitted ? submit_kind : mail_kind);
  describe_process(event, asker.credentials, asker.user);
  event.set(Field::verdict, verdict_name(answer.verdict));
  event.set(Field::reason, answer.reason);
  if (exhausted != nullptr) exhausted->recorded_busy(moment.elapsed_ms(), answer.id);
  if (asker.queued == nullptr) add_ticket(answer);
  add_headers(answer, policy, event);
  return judgement;
}

const Block* Judge::block_of(const Question& question, uid_t uid, const Shown& shown,
                             const Decision& decision, const Moment& moment) const {
  return find_block(*blocks_, {question, uid, shown, decision, policy_->policy(), policy_->users()},
                    moment.wall_ms);
}

const Block* Judge::block_of_connection(uid_t uid, const VhostPolicy& vhost) const {
  return find_block(*blocks_, policy_->users(), uid, vhost);
}

const Block* Judge::block_of_request(const Context& request, std::string_view htaccess,
                                     const VhostPolicy& vhost, const Moment& moment) const {
  if (blocks_->empty()) return nullptr;
  Question question;
  question.claims.set(Field::file, htaccess);
  const Shown shown{&request, {}, nullptr};
  Decision decision;
  decision.policy = &vhost;
  return block_of(question, vhost.run_as.value_or(Credentials().uid), shown, decision, moment);
}

bool Judge::is_blocked(const Question& question, const AskingProcess& asker, const Moment& moment) {
  if (blocks_->empty()) return false;
  const Examined examined = find_origin(question.context, asker, moment);
  const Shown shown = examined.shown();
  const uid_t uid = asker.credentials.uid;
  const Decision decision = decide(shown, uid, place_of(question), policy_->policy());
  return block_of(question, uid, shown, decision, moment) != nullptr;
}

// True if a refusal of this second has been recorded already, and this one need not be.
bool Judge::refuse_again(const Quota& exhausted, const Moment& moment, Answer& answer) {
  answer.verdict = Verdict::deny;
  answer.reason = busy_reason;
  answer.id = exhausted.busy_event(moment.elapsed_ms());
  return !answer.id.empty();
}

bool Judge::is_server(const VhostPolicy& policy) const {
  return policy.id == policy_->policy().server.id;
}

// The server's settings stand for many who are not each other's neighbours.
Quota* Judge::exhausted_by_vhost(const VhostPolicy& policy, const Moment& moment) {
  if (is_server(policy)) return nullptr;
  Quota& quota = vhost_quotas_.of(policy.id);
  return quota.take(moment.elapsed_ms()) ? nullptr : &quota;
}

// A neighbour of the same uid may have used up what the uid may ask, or, without a context and
// from a claimed place, the host: PHP inside httpd and common pools have one uid for all.
bool Judge::has_share_of_its_own(const Shown& shown, const VhostPolicy& policy,
                                 const Moment& moment) {
  if (shown.context == nullptr || is_server(policy) || !policy_->users().shares_its_user(policy)) {
    return false;
  }
  return shares_of_hosts_.of(policy.id).take(moment.elapsed_ms());
}

void Judge::describe_origin(Event& event, const Examined& examined,
                            const VhostPolicy& policy) const {
  const Shown shown = examined.shown();
  if (shown.context != nullptr) {
    daemon::describe_origin(event, *shown.context, policy_->policy());
  } else if (!is_server(policy)) {
    describe_owner(event, policy);
  }
  if (!examined.known) return;
  const KnownProcess& known = *examined.known;
  event.set(Field::origin_from, from_firewall);
  event.set(Field::detached, known.detached);
  // Else the process may have said where it was called.
  if (known.file.empty()) return;
  event.set(Field::file, known.file);
  event.set(Field::line, known.line);
  event.set(Field::caller, known.caller);
}

// By what the mail server's queue knows the mail.
void Judge::add_ticket(Answer& answer) const {
  if (policy_->policy().queue.is_asked_about())
    answer.headers.emplace_back(ticket_field, answer.id);
}

// MailOriginHeader
void Judge::add_headers(Answer& answer, const VhostPolicy& policy, const Event& event) const {
  std::string value;
  for (const ActivePolicy::Header& header : policy_->rules(policy).headers) {
    value.clear();
    header.format->append(value, event);
    answer.headers.emplace_back(header.name, header_value(value));
  }
}

std::string_view Judge::admit(std::string_view context, const AskingProcess& asker,
                              const Moment& moment) {
  if (!asker.quota.take(moment.elapsed_ms())) return busy_reason;
  if (context.empty()) return "no-context";
  return examine(context, asker, moment).refusal;
}

}  // namespace mailorigin::daemon
