#include "client/outcome.h"

#include "client/syslog.h"
#include "client/unrecorded.h"
#include "core/text.h"

namespace mailorigin::client {

namespace {

constexpr std::size_t word_limit = 64;  // bytes, of a reason or an event id

Outcome without_daemon(const Conduct& conduct, const Event& claims, const std::string& cause) {
  Outcome outcome;
  if (!conduct.sends_without_daemon) {
    outcome.kind = Outcome::Kind::unreachable;
    return outcome;
  }
  outcome.headers.emplace_back("X-Mail-Origin", "unrecorded");
  log_line(conduct.program, unrecorded_line(claims, cause));
  return outcome;
}

}  // namespace

Outcome ask_for_outcome(Asker& asker, const Conduct& conduct, Question question) {
  const auto answer = asker.ask(conduct.socket, question, conduct.timeout);
  if (!answer) return without_daemon(conduct, question.claims, answer.error().message);
  if (!answer->recorded) {
    return without_daemon(conduct, question.claims, "mailorigind cannot write its journal");
  }

  Outcome outcome;
  if (answer->verdict == Verdict::deny) {
    outcome.kind = Outcome::Kind::denied;
    append_one_line(outcome.reason, cut(answer->reason, word_limit));
    append_one_line(outcome.event_id, cut(answer->id, word_limit));
    outcome.retry_after = answer->retry_after;
  } else {
    outcome.headers = usable_fields(answer->headers);
  }
  return outcome;
}

}  // namespace mailorigin::client
