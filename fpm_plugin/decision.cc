#include "fpm_plugin/decision.h"

#include "core/text.h"
#include "fpm_plugin/module_state.h"
#include "fpm_plugin/system_log.h"

namespace mailorigin::php {

namespace {

constexpr std::size_t word_limit = 64;  // bytes, of a reason or an event id

Decision without_daemon(const Settings& settings, const Event& claims, const std::string& cause) {
  Decision decision;
  if (settings.on_failure == OnFailure::deny) {
    decision.kind = Decision::Kind::unreachable;
    return decision;
  }
  decision.headers.emplace_back("X-Mail-Origin", "unrecorded");
  log_unrecorded(claims, cause);
  return decision;
}

}  // namespace

Decision decide(ModuleState& state, Question question) {
  question.context = state.request.context;
  const auto answer = state.asker.ask(state.settings.socket, question, state.settings.timeout);
  if (!answer) return without_daemon(state.settings, question.claims, answer.error().message);
  if (!answer->recorded) {
    return without_daemon(state.settings, question.claims, "mailorigind cannot write its journal");
  }

  Decision decision;
  if (answer->verdict == Verdict::deny) {
    decision.kind = Decision::Kind::denied;
    append_one_line(decision.reason, cut(answer->reason, word_limit));
    append_one_line(decision.event_id, cut(answer->id, word_limit));
    decision.retry_after = answer->retry_after;
  } else {
    decision.headers = usable_fields(answer->headers);
  }
  return decision;
}

}  // namespace mailorigin::php
