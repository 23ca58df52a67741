#include "mailorigind/asking/question_desk.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "mailorigind/journal/event_record.h"
#include "mailorigind/limits.h"

namespace mailorigin::daemon {

QuestionDesk::QuestionDesk(ConnectionTable& connections, Judge& judge, const Journal& journal,
                           Recording& recording, RecentAnswers& answers, Tickets& tickets,
                           const UserNames& names, FirewallLink& firewall, ThreadClock& clock,
                           HeardVhosts& heard, QueuedMails& queued, Deputies& deputies,
                           service::NoticeBoard& notices)
    : connections_(connections),
      judge_(judge),
      journal_(journal),
      recording_(recording),
      answers_(answers),
      tickets_(tickets),
      names_(names),
      firewall_(firewall),
      clock_(clock),
      heard_(heard),
      queued_(queued),
      deputies_(deputies),
      notices_(notices),
      registrations_(judge, firewall, waiting_) {}

void QuestionDesk::begin_turn(const Moment& moment) {
  moment_ = moment;
  turn_++;
  clock_.start();
  answers_.expire(moment.elapsed_ms());
  tickets_.expire(moment.elapsed_ms());
}

// ---- Reading

void QuestionDesk::read(int fd) {
  AskingConnection* const asking = connections_.find(fd);
  if (asking == nullptr || recording_.size() >= turn_bytes) return;
  AskingUser& owner = *asking->user;
  if (!owner.turn.take(turn_)) return;
  if (receive(*asking)) handle(*asking);
  // What was understood has paid for itself, up to what is ordinary; this is the rest,
  // and all that was not.
  owner.turn.used(charge(owner.questions));
}

std::uint64_t QuestionDesk::charge(Quota& quota, std::uint64_t paid_ns) {
  const std::uint64_t used_ns = clock_.lap();
  quota.charge_time(used_ns, paid_ns);
  return used_ns;
}

void QuestionDesk::handle(AskingConnection& asking) {
  const Credentials& sender = packet_.sender;
  if (sender.pid == 0 && asking.peer.pid != 0) {
    // Sent before this socket asked for credentials: asked again on a new connection.
    connections_.close(asking.fd());
    return;
  }
  if (sender.pid == 0) outside_asked(sender.uid);
  if (sender.pid != asking.peer.pid) {
    connections_.close_bad(asking,
                           "pid " + std::to_string(sender.pid) +
                               " used it: a connection belongs to the process that opened it",
                           moment_.elapsed_ms());
    return;
  }
  AskingUser& asker = connections_.user(sender.uid, moment_.elapsed_ms());
  asking.last_passed.reset();  // whoever goes on has had its answer
  switch (message_type(packet_.bytes).value_or(MessageType::question)) {
    case MessageType::hello:
      return hear(asking, asker);
    case MessageType::registration:
      return answer_registration(asking, asker);
    case MessageType::queued:
    case MessageType::milter_hello:
      return answer_queued(asking, asker);
    case MessageType::deputed:
      return answer_deputed(asking, asker);
    default:
      return answer_question(asking, asker);
  }
}

// Who has no pid here may be judged by its uid alone.
void QuestionDesk::outside_asked(uid_t uid) {
  outside_asked_ms_ = moment_.elapsed_ms();
  notices_.begins("pid-namespace", Notice::Level::warning,
                  "MO0250: uid " + std::to_string(uid) +
                      " asks from a pid namespace that mailorigind's does not have: no context "
                      "can be tied to such a process, and its mail is judged by its uid "
                      "(reason=pid-namespace). Run mailorigind in the host's pid namespace");
}

bool QuestionDesk::receive(AskingConnection& from) {
  switch (receive_packet(from.fd(), packet_, packet_limit, Descriptors::dropped)) {
    case Received::packet:
      return true;
    case Received::nothing_yet:
      return false;
    case Received::too_long:
      connections_.close_bad(from, "its message was too long", moment_.elapsed_ms());
      return false;
    case Received::closed:
    case Received::failed:
      break;
  }
  connections_.close(from.fd());
  return false;
}

void QuestionDesk::hear(AskingConnection& asking, AskingUser& asker) {
  const auto context = decode_hello(packet_.bytes);
  if (!context) {
    connections_.close_bad(asking, "what it sent is no hello: " + context.error().message,
                           moment_.elapsed_ms());
    return;
  }
  if (!asker.questions.take(moment_.elapsed_ms())) {
    return connections_.rest(asking, moment_.elapsed_ms());
  }
  heard_.hello(asking.serial, *context, packet_.sender.uid, moment_.boottime_ns);
}

void QuestionDesk::answer_registration(AskingConnection& asking, AskingUser& asker) {
  const auto registration = decode_registration(packet_.bytes);
  if (!registration) {
    connections_.close_bad(asking,
                           "what it sent is no registration: " + registration.error().message,
                           moment_.elapsed_ms());
    return;
  }
  asking.user->last_seen_ms = moment_.elapsed_ms();
  const std::string_view refusal = registrations_.begin(
      *registration, asking,
      {packet_.sender, names_.name(asker.uid), asker.registrations, asking.lineage}, moment_);
  asking.user->turn.used(charge(asker.registrations, token_ns));
  if (refusal.empty()) return;
  Answer answer;
  answer.nonce = registration->nonce;
  answer.verdict = Verdict::deny;
  answer.reason = refusal;
  pending_.push_back(
      {asking.fd(), &asker, {asker.uid, answer.nonce}, std::move(answer), std::nullopt});
}

void QuestionDesk::answer_question(AskingConnection& asking, AskingUser& asker) {
  if (const Status decoded = decode_question(packet_.bytes, question_); !decoded) {
    connections_.close_bad(asking, "what it sent is no question: " + decoded.error().message,
                           moment_.elapsed_ms());
    return;
  }
  connections_.used(asking, moment_.elapsed_ms());

  const RecentAnswers::Key key{asker.uid, question_.nonce};
  if (auto given = repeated(key, question_)) {
    asker.questions.charge(cost(packet_.bytes.size(), false));
    pending_.push_back({asking.fd(), &asker, key, *std::move(given), std::nullopt});
    return;
  }
  if (auto given = redeemed(asking, asker)) {
    pending_.push_back({asking.fd(), &asker, key, *std::move(given), std::nullopt});
    return;
  }
  const bool fills_journal = asker.journal.in_debt(moment_.elapsed_ms());
  asker.journal.charge(static_cast<double>(packet_.bytes.size()));
  asker.questions.charge(cost(packet_.bytes.size(), fills_journal) - 1);
  Judgement judgement = judge_.judge(
      question_, {packet_.sender, names_.name(asker.uid), asker.questions, asking.lineage},
      moment_);
  std::optional<std::size_t> record;
  if (judgement.recorded) {
    record = recording_.add([&](std::string& out) {
      append_payload(out, judgement.policy, judgement.answer, question_.claims,
                     question_.recipients);
    });
  }
  asking.user->turn.used(charge(asker.questions, token_ns));
  pending_.push_back({asking.fd(), &asker, key, std::move(judgement.answer), record,
                      question_.recipients, question_.submitted});
}

void QuestionDesk::answer_queued(AskingConnection& asking, AskingUser& asker) {
  const std::uint64_t now_ms = moment_.elapsed_ms();
  if (!queued_.may_tell(asker.uid)) {
    connections_.close_bad(asking, "it tells of the mail server's queue, and is no milter", now_ms);
    return;
  }
  connections_.used(asking, now_ms);
  judge_.holders().milter_seen(now_ms);
  if (message_type(packet_.bytes) == MessageType::milter_hello) return;
  const auto mail = decode_queued(packet_.bytes);
  if (!mail) {
    connections_.close_bad(asking, "what it sent is no queued mail: " + mail.error().message,
                           now_ms);
    return;
  }
  judge_.holders().asked(Holder::milter, now_ms);
  const RecentAnswers::Key key{asker.uid, mail->nonce};
  if (const auto position = answers_.find(key)) {
    if (auto given = queued_.repeated(*position)) {
      pending_.push_back({asking.fd(), &asker, key, *std::move(given), std::nullopt});
      return;
    }
  }
  auto answered = queued_.answer(
      *mail, asker.uid, [&](uid_t uid) -> AskingUser& { return connections_.user(uid, now_ms); },
      moment_);
  asking.last_passed = answered.passed;
  pending_.push_back({asking.fd(), &asker, key, std::move(answered.answer), answered.record});
}

// Its virtual host pays, not httpd's uid: a tenant's programs may run as that one.
void QuestionDesk::answer_deputed(AskingConnection& asking, AskingUser& asker) {
  const std::uint64_t now_ms = moment_.elapsed_ms();
  auto deputed = deputies_.read(packet_.bytes, moment_);
  if (!deputed) {
    connections_.close_bad(asking, "what it sent is not httpd's: " + deputed.error().message,
                           now_ms);
    return;
  }
  connections_.used(asking, now_ms);
  const RecentAnswers::Key key{asker.uid, deputed->nonce};
  if (const auto position = answers_.find(key)) {
    if (auto given = answer_at(*position)) {
      pending_.push_back({asking.fd(), &asker, key, *std::move(given), std::nullopt});
      return;
    }
  }
  auto answered =
      deputies_.answer(*std::move(deputed), packet_.sender, names_.name(asker.uid), moment_);
  asking.user->turn.used(clock_.lap());
  pending_.push_back({asking.fd(), &asker, key, std::move(answered.answer), answered.record});
}

// The answer that this very mail has had, if it shows its ticket; but for who has been
// blocked since.
std::optional<Answer> QuestionDesk::redeemed(AskingConnection& asking, AskingUser& asker) {
  if (question_.ticket.empty() || !question_.recipients) return std::nullopt;
  const auto id = Ulid::parse(question_.ticket);
  if (!id) return std::nullopt;
  const auto position =
      tickets_.find(Gate::submission, *id, {asker.uid, question_.recipients, question_.nonce},
                    moment_.elapsed_ms());
  if (!position) return std::nullopt;
  // Its mail has had its share already: a neighbour's flood of the same uid must not refuse it
  // here.
  asker.questions.charge(cost(packet_.bytes.size(), false));
  if (judge_.is_blocked(question_,
                        {packet_.sender, names_.name(asker.uid), asker.questions, asking.lineage},
                        moment_)) {
    return std::nullopt;
  }
  const auto payload = journal_.payload_at(*position);
  // The asker may have claimed less than it sends.
  if (!payload || !payload_is_judged_alike(*payload, question_.claims)) return std::nullopt;
  auto given = payload_answer(*payload);
  if (!given) return std::nullopt;
  tickets_.redeem(Gate::submission, *id, question_.nonce);
  recording_.add([&](std::string& out) {
    append_redemption(
        out, {question_.ticket, static_cast<std::uint64_t>(Gate::submission), question_.nonce});
  });
  given->answer.nonce = question_.nonce;
  return std::move(given->answer);
}

// In questions of the least size.
double QuestionDesk::cost(std::size_t size, bool fills_journal) const {
  const bool crowded = fills_journal && journal_.end() - journal_.begin() > journal_capacity / 2;
  return (1 + std::floor(static_cast<double>(size) / bytes_per_token)) *
         (crowded ? crowded_journal_factor : 1);
}

// The answer that this question has had. Nothing for another question under an
// old nonce: that would be a way to send unseen.
std::optional<Answer> QuestionDesk::repeated(const RecentAnswers::Key& key,
                                             const Question& question) const {
  const auto position = answers_.find(key);
  if (!position) return std::nullopt;
  const auto payload = journal_.payload_at(*position);
  if (!payload || !payload_repeats(*payload, question.claims)) return std::nullopt;
  auto given = payload_answer(*payload);
  if (!given) return std::nullopt;
  return std::move(given->answer);
}

std::optional<Answer> QuestionDesk::answer_at(std::uint64_t position) const {
  const auto payload = journal_.payload_at(position);
  auto given = payload ? payload_answer(*payload) : std::nullopt;
  if (!given) return std::nullopt;
  return std::move(given->answer);
}

// ---- Answering

// Who does not read its answers has no use for a connection.
bool QuestionDesk::send(int fd, const Answer& answer) {
  if (send_now(fd, encode_answer(answer))) return true;
  connections_.close(fd);
  return false;
}

void QuestionDesk::end_turn() {
  if (pending_.empty()) return;
  const std::uint64_t now_ms = moment_.elapsed_ms();
  const auto begin = recording_.append();
  (void)clock_.lap();  // the journal is paid for by size
  for (Pending& pending : pending_) {
    if (pending.record && begin) {
      AskingConnection& asking = *connections_.find(pending.fd);
      answers_.remember(asking.last_question, pending.key, *begin + *pending.record);
      asking.last_question = pending.key;
      tickets_.issue(pending.answer, {pending.asker->uid, pending.recipients, pending.submitted,
                                      *begin + *pending.record, moment_.elapsed_ms()});
    } else if (pending.record && pending.answer.verdict != Verdict::deny) {
      pending.answer.recorded = false;  // a refusal stands, recorded or not
    }
    const bool is_sent = send(pending.fd, pending.answer);
    charge(pending.asker->questions, token_ns);
    // What is answered from the journal is refused to nobody, and must not be read as it comes.
    const bool is_over = pending.answer.reason == busy_reason ||
                         (!pending.record && pending.asker->questions.in_debt(now_ms));
    if (is_sent && is_over) connections_.rest(*connections_.find(pending.fd), now_ms);
  }
  pending_.clear();
}

void QuestionDesk::give(const WaitingAnswer& waiting) {
  if (connections_.find(waiting.fd, waiting.serial) == nullptr) return;
  clock_.start();
  send(waiting.fd, waiting.answer);
  charge(connections_.user(waiting.uid, moment_.elapsed_ms()).registrations, token_ns);
}

int QuestionDesk::answer_waiting(std::uint64_t now_ms) {
  while (const auto result = firewall_.next_result()) {
    for (WaitingAnswer& waiting : waiting_.take({Awaited::From::firewall, result->number})) {
      if (result->known) {
        waiting.answer.verdict = Verdict::allow;
        waiting.answer.reason.clear();
      }
      give(waiting);
    }
  }
  for (const WaitingAnswer& waiting : waiting_.take_overdue(now_ms)) give(waiting);
  if (outside_asked_ms_ != 0 && now_ms - outside_asked_ms_ >= namespace_memory_ms) {
    outside_asked_ms_ = 0;
    notices_.over("pid-namespace", "MO0251: nobody asks from another pid namespace any more");
  }
  const std::uint64_t next_ms = waiting_.next_deadline_ms();
  return static_cast<int>(std::min<std::uint64_t>(next_ms - now_ms, user_memory_ms));
}

}  // namespace mailorigin::daemon
