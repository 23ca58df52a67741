#include "fpm_plugin/claims.h"

#include <cstdint>
#include <string_view>
#include <utility>

#include "core/mail/facts.h"
#include "fpm_plugin/header_text.h"
#include "fpm_plugin/pool.h"
#include "fpm_plugin/shell_words.h"
#include "fpm_plugin/stack.h"

namespace mailorigin::php {

namespace {

// imap_mail() writes three of its arguments as fields, above the headers.
std::string all_headers(const MailCall& call) {
  std::string text;
  const auto add = [&](std::string_view name, std::string_view value) {
    if (value.empty()) return;
    text += name;
    text += value;
    text += call.line_end;
  };
  add("From: ", call.return_path);
  add("Cc: ", call.cc);
  add("Bcc: ", call.bcc);
  text += call.headers;
  return text;
}

}  // namespace

std::string current_directory() {
  char path[MAXPATHLEN];
  return VCWD_GETCWD(path, sizeof path) != nullptr ? path : "";
}

Question question_of_call(std::string_view function, const std::string& request_entry,
                          const std::vector<std::string>& mailers) {
  const std::string entry = request_entry.empty() ? outermost_file() : request_entry;
  CallSite site = call_site(entry, mailers);
  Question question;
  question.scripts = std::move(site.scripts);
  question.scripts_cut = site.scripts_cut;
  Event& claims = question.claims;
  claims.set(Field::function, function);
  claims.set(Field::entry, entry);
  claims.set(Field::file, site.file);
  claims.set(Field::line, site.line);
  claims.set(Field::caller, site.caller);
  claims.set(Field::stack, site.stack);
  claims.set(Field::eval, site.eval);
  if (site.truncated) claims.set(Field::truncated, true);
  claims.set(Field::sapi, sapi_module.name);
  claims.set(Field::pool, fpm_pool_name());
  return question;
}

Question question_about(const MailCall& call, const std::string& entry,
                        const std::vector<std::string>& mailers) {
  const std::string to = as_mail_sends(call.to);
  const std::string headers = all_headers(call);
  const std::string subject = as_mail_sends(call.subject);
  const char* command = setting_text("sendmail_path");
  std::vector<std::string> words = shell_words(command ? command : "");
  const std::size_t administrators = words.size();
  for (std::string& word : shell_words(call.parameters)) words.push_back(std::move(word));
  // Counted over the whole text, before a field's limit cuts it.
  const MailFacts facts = examine_mail({.to = to,
                                        .subject = subject,
                                        .headers = headers,
                                        .message = call.message,
                                        .is_converted = call.is_converted},
                                       words, administrators);

  Question question = question_of_call(call.function, entry, mailers);
  question.recipients = facts.recipient_digest;
  Event& claims = question.claims;
  claims.set(Field::to, to);
  claims.set(Field::from, facts.from);
  claims.set(Field::envelope_from, facts.envelope_from);
  claims.set(Field::recipients, facts.recipients);
  claims.set(Field::subject, subject);
  claims.set(Field::headers, headers);
  claims.set(Field::message_id, facts.message_id);
  claims.set(Field::size, std::uint64_t{call.message.size()});
  return question;
}

}  // namespace mailorigin::php
