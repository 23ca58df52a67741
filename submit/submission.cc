#include "submit/submission.h"

#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "client/inherited_call.h"
#include "core/context.h"
#include "core/counted.h"
#include "core/mail/facts.h"
#include "core/mail/header_block.h"
#include "submit/ancestors.h"

namespace mailorigin::submit {

namespace {

std::string_view variable(std::string_view name) {
  const char* const value = std::getenv(name.data());  // a literal, ended by NUL
  return value != nullptr ? value : std::string_view();
}

std::string joined(const std::vector<std::string_view>& parts) {
  std::string out;
  for (const std::string_view part : parts) {
    if (!out.empty()) out += ", ";
    out += part;
  }
  return out;
}

void describe(Event& claims, std::string_view fields, const MailFacts& facts) {
  claims.set(Field::from, facts.from);
  claims.set(Field::envelope_from, facts.envelope_from);
  claims.set(Field::recipients, facts.recipients);
  claims.set(Field::message_id, facts.message_id);
  claims.set(Field::subject, field_value(fields, "Subject"));
  claims.set(Field::headers, fields);
}

}  // namespace

Question inherited_question() {
  Question question;
  question.submitted = true;
  question.claims.set(Field::function, "sendmail");
  question.context = variable(context_variable);
  client::decode_call(variable(client::call_variable), question);
  if (question.context.empty()) {
    LeftBehind left = left_to_ancestors(getpid());
    question.context = std::move(left.context);
    client::decode_call(left.call, question);
  }
  if (question.context.empty()) {
    char path[directory_limit];
    if (getcwd(path, sizeof path) != nullptr) question.directory = path;
  }
  return question;
}

std::string take_ticket() {
  std::string ticket(variable(client::ticket_variable));
  unsetenv(client::ticket_variable.data());
  return Ulid::parse(ticket) ? ticket : std::string();
}

void describe_message(Question& question, std::string_view fields,
                      std::optional<std::uint64_t> body_size,
                      const std::vector<std::string>& arguments) {
  const SendmailOptions options = read_sendmail_options(arguments);
  const bool by_header = options.recipients_from_header || !options.surely_names_recipient;
  MailText mail;
  mail.headers = fields;
  mail.header_names_recipients = by_header;
  const MailFacts facts = examine_mail(mail, arguments);
  Event& claims = question.claims;
  describe(claims, fields, facts);
  std::string to = joined(options.recipients);
  if (by_header) {
    const std::string named = field_value(fields, "To");
    to += to.empty() || named.empty() ? "" : ", ";
    to += named;
  }
  claims.set(Field::to, to);
  if (body_size) claims.set(Field::size, *body_size);
  question.recipients = facts.recipient_digest;
}

void describe_transaction(Question& question, std::string_view fields, const Envelope& envelope,
                          const std::vector<std::string>& arguments) {
  MailText mail;
  mail.headers = fields;
  mail.header_names_recipients = false;
  // The sender as an option has it, so that none hides another.
  const std::vector<std::string> words = {"-f", envelope.sender};
  const MailFacts facts = examine_mail(mail, words);
  Event& claims = question.claims;
  describe(claims, fields, facts);
  std::string sender = facts.envelope_from;
  for (const std::string& name : read_sendmail_options(arguments).not_understood) {
    if (name != "-b") sender += ", " + name;
  }
  claims.set(Field::envelope_from, sender);
  claims.set(Field::recipients, std::uint64_t{envelope.recipients.size()});
  claims.set(Field::to, joined({envelope.recipients.begin(), envelope.recipients.end()}));
  RecipientSet recipients;
  for (const std::string& recipient : envelope.recipients) recipients.add(recipient);
  question.recipients = recipients.digest();
}

std::string refusal_text(const client::Outcome& outcome) {
  std::string text = "not sent: " + outcome.reason;
  if (!outcome.event_id.empty()) text += " (event " + outcome.event_id + ")";
  if (outcome.retry_after > 0) {
    text += "; again in " + counted(outcome.retry_after, "second");
  }
  if (!outcome.explanation.empty()) text += "; " + outcome.explanation;
  return text;
}

Ending refusal(const client::Outcome& outcome) {
  const bool denied = outcome.kind == client::Outcome::Kind::denied;
  return {denied ? EX_NOPERM : EX_TEMPFAIL, "MO0500: " + refusal_text(outcome)};
}

}  // namespace mailorigin::submit
