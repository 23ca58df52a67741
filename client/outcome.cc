#include "client/outcome.h"

#include "client/syslog.h"
#include "client/unrecorded.h"
#include "core/probe.h"
#include "core/text.h"

namespace mailorigin::client {

namespace {

constexpr std::size_t word_limit = 64;  // bytes, of a reason or an event id

Outcome unasked(std::string_view reason) {
  Outcome outcome;
  outcome.kind = Outcome::Kind::unasked;
  outcome.reason = reason;
  return outcome;
}

std::string_view reason_of(Silence why) {
  switch (why) {
    case Silence::late:
      return "late";
    case Silence::exhausted:
      return "exhausted";
    case Silence::unwritable:
      return "unwritable";
    case Silence::absent:
    case Silence::unreachable:
      break;
  }
  return "unreachable";
}

bool may_leave_in(Silence why, const Conduct& conduct) {
  if (why == Silence::absent) return conduct.sends_without_daemon;  // mailorigin.on_failure
  // mailorigin.on_timeout: it is there, and cannot do its work now.
  if (why == Silence::late || why == Silence::unwritable) return conduct.sends_when_late;
  return false;
}

Outcome unrecorded(const Conduct& conduct, const Event& claims, const NoAnswer& none,
                   const OtherLog& other_log) {
  if (!may_leave_in(none.why, conduct)) return unasked(reason_of(none.why));
  const std::string line = unrecorded_line(claims, none.cause);
  if (!log_line(conduct.program, line) && !other_log(line)) return unasked("unlogged");
  Outcome outcome;
  outcome.headers.emplace_back("X-Mail-Origin", "unrecorded");
  return outcome;
}

}  // namespace

Outcome Outcome::exhausted() { return unasked(reason_of(Silence::exhausted)); }

namespace {

Outcome asked(Asker& asker, const Conduct& conduct, const Question& question,
              const OtherLog& other_log) {
  const Reply reply = asker.ask(conduct.socket, question, conduct.patience);
  const auto& answer = reply.answer;
  if (!answer) return unrecorded(conduct, question.claims, reply.none, other_log);
  if (!answer->recorded && answer->verdict != Verdict::deny) {
    return unrecorded(conduct, question.claims,
                      {Silence::unwritable, "mailorigind cannot write its journal"}, other_log);
  }

  Outcome outcome;
  append_one_line(outcome.event_id, cut(answer->id, word_limit));
  if (answer->verdict == Verdict::deny) {
    outcome.kind = Outcome::Kind::denied;
    append_one_line(outcome.reason, cut(answer->reason, word_limit));
    outcome.retry_after = answer->retry_after;
    append_one_line(outcome.explanation, cut(answer->explanation, explanation_limit));
  } else {
    outcome.headers = usable_fields(answer->headers);
    outcome.held = answer->verdict == Verdict::hold;
  }
  return outcome;
}

}  // namespace

Outcome ask_for_outcome(Asker& asker, const Conduct& conduct, const Question& question,
                        const OtherLog& other_log) {
  // The judging may be MailOrigin Off's, or an older daemon's; without a daemon nothing is logged.
  if (question.claims.get(Field::to) != probe_recipient) {
    return asked(asker, conduct, question, other_log);
  }
  Conduct strict = conduct;
  strict.sends_without_daemon = strict.sends_when_late = false;
  Outcome outcome = asked(asker, strict, question, other_log);
  if (outcome.kind == Outcome::Kind::send) {
    outcome.kind = Outcome::Kind::denied;
    outcome.reason = unjudged_reason;
  }
  return outcome;
}

}  // namespace mailorigin::client
