#include "client/library/mailorigin.h"

#include <sys/un.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "client/asker.h"
#include "client/outcome.h"
#include "core/context.h"
#include "core/mail/facts.h"
#include "core/socket_paths.h"
#include "core/wire/asking.h"

using namespace mailorigin;

struct mailorigin_handle {
  client::Asker asker;
  client::Conduct conduct;
  // Of the last answer, which points into these.
  client::Outcome outcome;
  std::vector<std::string> lines;
  std::vector<const char*> headers;
  mailorigin_answer answer{};
};

namespace {

std::string_view text(const char* given) { return given != nullptr ? given : std::string_view(); }

std::chrono::milliseconds milliseconds(unsigned given, unsigned otherwise) {
  return std::chrono::milliseconds(given != 0 ? given : otherwise);
}

Question question_about(const mailorigin_mail& mail) {
  Question question;
  question.submitted = true;
  const char* const own = std::getenv(context_variable.data());
  question.context = text(mail.context != nullptr ? mail.context : own);
  const std::vector<std::string> sender = {"-f", std::string(text(mail.sender))};
  MailText header;
  header.headers = text(mail.header);
  header.header_names_recipients = false;
  const MailFacts facts =
      mail.sender != nullptr ? examine_mail(header, sender) : examine_mail(header, {});
  RecipientSet recipients;
  std::string to;
  for (std::size_t i = 0; i < mail.recipient_count; i++) {
    recipients.add(text(mail.recipients[i]));
    if (i > 0) to += ", ";
    to += text(mail.recipients[i]);
  }
  question.recipients = recipients.digest();
  Event& claims = question.claims;
  claims.set(Field::function, "libmailorigin");
  claims.set(Field::entry, text(mail.script));
  claims.set(Field::to, to);
  claims.set(Field::from, facts.from);
  claims.set(Field::envelope_from, facts.envelope_from);
  claims.set(Field::recipients, std::uint64_t{mail.recipient_count});
  claims.set(Field::subject, text(mail.subject));
  claims.set(Field::headers, text(mail.header));
  claims.set(Field::message_id, facts.message_id);
  claims.set(Field::size, std::uint64_t{mail.body_size});
  return question;
}

void show(mailorigin_handle& origin) {
  const client::Outcome& outcome = origin.outcome;
  for (const auto& [name, value] : outcome.headers) origin.lines.push_back(name + ": " + value);
  for (const std::string& line : origin.lines) origin.headers.push_back(line.c_str());
  using Kind = client::Outcome::Kind;
  origin.answer.verdict = outcome.kind == Kind::send     ? MAILORIGIN_SEND
                          : outcome.kind == Kind::denied ? MAILORIGIN_DENY
                                                         : MAILORIGIN_UNASKED;
  origin.answer.id = outcome.event_id.c_str();
  origin.answer.reason = outcome.reason.c_str();
  origin.answer.retry_after = outcome.retry_after;
  origin.answer.header_count = origin.headers.size();
  origin.answer.headers = origin.headers.data();
  origin.answer.held = outcome.held ? 1 : 0;
}

}  // namespace

mailorigin_handle* mailorigin_open(const mailorigin_settings* settings) {
  const mailorigin_settings given = settings != nullptr ? *settings : mailorigin_settings{};
  const std::string_view socket =
      given.socket != nullptr ? std::string_view(given.socket) : default_question_socket;
  if (!socket.starts_with('/') || socket.size() >= sizeof(sockaddr_un::sun_path)) {
    errno = EINVAL;
    return nullptr;
  }
  try {
    auto* const origin = new mailorigin_handle;
    origin->conduct = {.program = given.program != nullptr ? given.program : "libmailorigin",
                       .socket = std::string(socket),
                       .patience = {.absent = milliseconds(given.absent_timeout_ms, 250),
                                    .late = milliseconds(given.late_timeout_ms, 5000)},
                       .sends_without_daemon = given.deny_without_daemon == 0,
                       .sends_when_late = given.send_when_late != 0};
    return origin;
  } catch (const std::bad_alloc&) {
    errno = ENOMEM;
    return nullptr;
  }
}

const mailorigin_answer* mailorigin_ask(mailorigin_handle* origin, const mailorigin_mail* mail) {
  origin->lines.clear();
  origin->headers.clear();
  // No log of the administrator's is known here.
  const auto no_other_log = [](std::string_view) { return false; };
  try {
    origin->outcome = client::ask_for_outcome(origin->asker, origin->conduct, question_about(*mail),
                                              no_other_log);
    show(*origin);
  } catch (const std::bad_alloc&) {
    origin->answer = {MAILORIGIN_UNASKED, "", "exhausted", 0, 0, nullptr, 0};
  }
  return &origin->answer;
}

void mailorigin_close(mailorigin_handle* origin) { delete origin; }
