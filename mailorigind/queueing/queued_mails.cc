#include "mailorigind/queueing/queued_mails.h"

#include <algorithm>
#include <string_view>

#include "core/name_values.h"
#include "core/queue_policy.h"
#include "core/text.h"
#include "mailorigind/journal/event_record.h"
#include "mailorigind/judging/origin.h"
#include "mailorigind/queueing/as_claimed.h"

namespace mailorigin::daemon {

namespace {

// Of the mail's own event, what the one about the queue repeats: whose it is. Whom it is from,
// and for how many, it has from the queue.
constexpr Field repeated_fields[] = {Field::verified,   Field::vhost,  Field::site,  Field::docroot,
                                     Field::entry,      Field::uid,    Field::gid,   Field::user,
                                     Field::request_id, Field::client, Field::reason};

Event queue_event(const Event& of_mail, const QueuedMail& mail, std::string_view mail_id) {
  Event event;
  for (const Field field : repeated_fields) event.set(field, of_mail.get(field));
  for (const Field field :
       {Field::from, Field::envelope_from, Field::recipients, Field::message_id}) {
    event.set(field, mail.claims.get(field));
  }
  event.set(Field::kind, queue_kind);
  event.set(Field::mail_id, mail_id);
  event.set(Field::queue_id, mail.queue_id);
  return event;
}

}  // namespace

bool QueuedMails::may_tell(uid_t uid) const {
  return policy_ != nullptr && policy_->policy().queue.milter_uid == uid;
}

QueuedMails::Answered QueuedMails::answer(const QueuedMail& mail, uid_t asker, const Payer& user,
                                          const Moment& moment) {
  const Submitter submitter = submitter_of(mail);
  auto answered = by_ticket(mail, submitter, asker, moment);
  if (!answered && !mail.by_smtp && !mail.is_refusable && !mail.tickets.empty()) {
    Answer without;
    without.nonce = mail.nonce;
    without.verdict = Verdict::deny;
    without.reason = bad_ticket;
    return {std::move(without), std::nullopt, std::nullopt};
  }
  if (!answered) answered = by_submitter(mail, submitter, asker, user, moment);
  complete_fields(answered->answer);
  return *std::move(answered);
}

std::optional<Answer> QueuedMails::repeated(std::uint64_t position) const {
  const auto payload = journal_.payload_at(position);
  auto given = payload ? payload_answer(*payload) : std::nullopt;
  if (!given) return std::nullopt;
  complete_fields(given->answer);
  return std::move(given->answer);
}

// Who connected. By SMTP mail.uid is who made the socket, and that can be another.
QueuedMails::Submitter QueuedMails::submitter_of(const QueuedMail& mail) const {
  Submitter submitter{mail.uid, std::nullopt};
  if (mail.cookie == 0) return submitter;
  const auto opener = firewall_.opener_of(mail.cookie, mail.client, mail.server);
  const auto opened_ns = opener ? std::optional(opener->opened_ns) : std::nullopt;
  submitter.connection = connections_.find(mail.cookie, opened_ns, firewall_.ring());
  if (opener) {
    submitter.uid = opener->uid;
  } else if (submitter.connection) {
    submitter.uid = submitter.connection->uid;
  } else if (firewall_.notes_openers() && is_trusted(mail.uid)) {
    submitter.uid.reset();
  }
  return submitter;
}

std::optional<QueuedMails::Answered> QueuedMails::by_ticket(const QueuedMail& mail,
                                                            const Submitter& submitter, uid_t asker,
                                                            const Moment& moment) {
  // Who has closed its connection so as not to be known would be any ticket's user.
  if (mail.by_smtp && !submitter.uid) return std::nullopt;
  for (const std::string& ticket : mail.tickets) {
    const auto id = Ulid::parse(ticket);
    if (!id) continue;
    for (const RecipientDigest& recipients : mail.recipients) {
      const auto position = tickets_.find(Gate::queue, *id, {submitter.uid, recipients, mail.nonce},
                                          moment.elapsed_ms());
      if (!position) continue;
      const auto payload = journal_.payload_at(*position);
      auto given = payload ? payload_answer(*payload) : std::nullopt;
      if (!given) continue;
      Event of_mail;
      read_event(*payload, of_mail);
      // Another mail leaves the ticket to its own, and is judged: each attempt counts as one.
      if (!is_as_claimed(of_mail, mail.claims, {account_of(of_mail), mail.local_domains})) continue;
      tickets_.redeem(Gate::queue, *id, mail.nonce);
      Answered answered{std::move(given->answer), std::nullopt, id};
      Answer& answer = answered.answer;
      answer.nonce = mail.nonce;
      answer.retry_after = 0;
      Event event = queue_event(of_mail, mail, answer.id);
      stamp_.put(event, moment.wall_ms);
      event.set(Field::verdict, verdict_name(answer.verdict));
      recording_.add([&](std::string& out) {
        append_redemption(out, {ticket, static_cast<std::uint64_t>(Gate::queue), mail.nonce});
      });
      answered.record = recording_.add([&](std::string& out) {
        append_queue_payload(out, payload_policy(*payload).value_or(0), answer, event, asker);
      });
      return answered;
    }
  }
  return std::nullopt;
}

// By what name the mail server knows who sent a mail.
std::string_view QueuedMails::account_of(const Event& of_mail) const {
  const std::string& user = of_mail.get(Field::user);
  if (!user.empty()) return user;
  const auto uid = parse_number(of_mail.get(Field::uid), UINT32_MAX);
  return uid ? std::string_view(names_.name(static_cast<uid_t>(*uid))) : std::string_view();
}

QueuedMails::Answered QueuedMails::by_submitter(const QueuedMail& mail, const Submitter& submitter,
                                                uid_t asker, const Payer& user,
                                                const Moment& moment) {
  const Policy& policy = policy_->policy();
  std::optional<KnownConnection> known;
  if (submitter.connection) {
    known = known_connection(*submitter.connection, keys_, policy, moment.boottime_ns);
  }
  const std::optional<std::uint32_t> uid = submitter.uid;
  Credentials credentials;
  if (known) credentials = known->credentials;
  if (uid) {
    credentials.uid = *uid;
    (void)names_.known(*uid, moment.elapsed_ms());  // for the next one at the latest
  }
  QueuedBy by;
  if (known && known->context) by.context = &*known->context;
  by.trusted = is_trusted(uid);
  by.refusable = mail.by_smtp || mail.is_refusable;
  by.unrecorded = unrecorded_rule(mail, by.context != nullptr, uid);
  // In a dialogue the sender is said.
  const Completion completion{uid ? std::string_view(names_.name(*uid)) : std::string_view(),
                              mail.local_domains};
  if (!mail.by_smtp) by.completion = &completion;

  Question question;
  question.nonce = mail.nonce;
  question.submitted = true;
  question.claims = mail.claims;
  if (known) {
    question.claims.set(Field::file, known->file);
    question.claims.set(Field::caller, known->caller);
    if (known->line != 0) question.claims.set(Field::line, known->line);
  }
  std::optional<std::vector<Process>> lineage;
  Judgement judgement = judge_.judge(question,
                                     {credentials, names_.name(credentials.uid),
                                      user(uid.value_or(asker)).questions, lineage, &by},
                                     moment);
  Answered answered{std::move(judgement.answer), std::nullopt, std::nullopt};
  if (!judgement.recorded) return answered;
  Event& event = question.claims;
  if (answered.answer.verdict != Verdict::deny) event.set(Field::queue_id, mail.queue_id);
  if (mail.cookie != 0) event.set(Field::cookie, mail.cookie);
  event.set(Field::uid_from, known ? std::string_view() : std::string_view(mail.uid_from));
  if (by.context != nullptr) event.set(Field::origin_from, from_firewall);
  if (known) {
    event.set(Field::comm, known->comm);
    event.set(Field::exe, known->exe);
    event.set(Field::detached, known->detached);
  }
  answered.record = recording_.add([&](std::string& out) {
    append_queue_payload(out, judgement.policy, answered.answer, event, asker);
  });
  return answered;
}

// MailOriginTrustedSubmitters
bool QueuedMails::is_trusted(std::optional<std::uint32_t> uid) const {
  const auto& trusted = policy_->policy().queue.trusted_uids;
  return uid && std::find(trusted.begin(), trusted.end(), *uid) != trusted.end();
}

// MailOriginUnrecorded; nothing where it does not concern the message: of SMTP, a virtual
// host's is asked about here, as mail() is elsewhere.
std::optional<Rule> QueuedMails::unrecorded_rule(const QueuedMail& mail, bool is_known,
                                                 std::optional<std::uint32_t> uid) const {
  const Policy& policy = policy_->policy();
  if (is_trusted(uid)) return std::nullopt;
  const bool is_hosts = is_known || (uid && policy.owner(*uid, {}) != nullptr);
  if (mail.by_smtp && is_hosts) return std::nullopt;
  return policy.queue.unrecorded;
}

// Each of our fields that the message is not to have goes; so does its ticket.
void QueuedMails::complete_fields(Answer& answer) const {
  auto& fields = answer.headers;
  std::erase_if(fields, [](const auto& field) { return field.first == ticket_field; });
  const auto take_out = [&](std::string_view name) {
    const bool is_there = std::any_of(fields.begin(), fields.end(), [&](const auto& field) {
      return equal_ignoring_case(field.first, name);
    });
    if (!is_there) fields.emplace_back(name, "");
  };
  take_out(ticket_field);
  take_out(default_header_name);
  for (const std::string& name : policy_->header_names()) take_out(name);
}

}  // namespace mailorigin::daemon
