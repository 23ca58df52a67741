#include "milter/filter.h"

#include <libmilter/mfapi.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <exception>
#include <memory>
#include <string_view>
#include <utility>

#include "client/header_fields.h"
#include "client/syslog.h"
#include "core/counted.h"
#include "core/queue_policy.h"
#include "core/text.h"
#include "milter/door.h"
#include "milter/passage.h"

namespace mailorigin::milter {

namespace {

FilterSettings settings;

constexpr unsigned long wanted_actions =
    SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE | SMFIF_SETSYMLIST;
// What is not looked at is not sent, and what is is not waited for.
constexpr unsigned long unwanted_steps =
    SMFIP_NOHELO | SMFIP_NOBODY | SMFIP_NOEOH | SMFIP_NOUNKNOWN | SMFIP_NODATA;
constexpr unsigned long unanswered_steps = SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_HDR;

// To the mail server the same as SMFIS_ACCEPT, after which libmilter forgets that the message has
// ended: see is_broken_off().
constexpr sfsistat taken = SMFIS_CONTINUE;

constexpr std::size_t word_limit = 64;  // bytes, of a reason or an event id

Passage* passage_of(SMFICTX* context) { return static_cast<Passage*>(smfi_getpriv(context)); }

std::string macro(SMFICTX* context, const char* name) {
  std::string letters(name);
  const char* const value = smfi_getsymval(context, letters.data());
  return value != nullptr ? value : "";
}

// Copies of a field are taken out from the last one on: so their places stay.
void take_out(SMFICTX* context, const Message& message, const std::string& name) {
  std::string letters(name);
  for (unsigned copy = message.copies_of(name); copy > 0; copy--) {
    smfi_chgheader(context, letters.data(), static_cast<int>(copy), nullptr);
  }
}

void put_in_front(SMFICTX* context, std::string name, std::string value) {
  smfi_insheader(context, 0, name.data(), value.data());
}

// The fields that the message is to have, in their order; those without a value go.
void set_fields(SMFICTX* context, const Message& message, const client::HeaderFields& fields) {
  for (const auto& [name, value] : fields) take_out(context, message, name);
  const auto usable = client::usable_fields(fields);
  for (auto field = usable.rbegin(); field != usable.rend(); ++field) {
    if (!field->second.empty()) put_in_front(context, field->first, field->second);
  }
}

std::string one_line(std::string_view text) {
  std::string line;
  append_one_line(line, cut(text, word_limit));
  return line;
}

// In the SMTP dialogue.
sfsistat refuse(SMFICTX* context, const Answer& answer) {
  // One that could have been heard if others had not filled the daemon's time.
  const bool later = answer.reason == "busy";
  std::string text = "not sent: " + one_line(answer.reason);
  if (!answer.id.empty()) text += " (event " + one_line(answer.id) + ")";
  if (answer.retry_after > 0) {
    text += "; again in " + counted(answer.retry_after, "second");
  }
  std::replace(text.begin(), text.end(), '%', '?');  // which libmilter wants doubled
  std::string code = later ? "451" : "550";
  std::string status = later ? "4.7.1" : "5.7.1";
  smfi_setreply(context, code.data(), status.data(), text.data());
  return later ? SMFIS_TEMPFAIL : SMFIS_REJECT;
}

sfsistat hold(SMFICTX* context, std::string reason) {
  smfi_quarantine(context, reason.data());
  return taken;
}

// Nobody answers: MailOriginMilterOnFailure.
sfsistat fail(SMFICTX* context, const Passage& passage, const QueuedMail& mail,
              const std::string& cause) {
  set_fields(context, *passage.message, {{std::string(ticket_field), ""}});
  const bool passes = settings.on_failure == OnFailure::allow;
  std::string line =
      passes ? "MO0550: message in the queue unrecorded: " : "MO0551: message kept: ";
  line += "queue_id=" + one_line(mail.queue_id);
  if (mail.uid) line += " uid=" + std::to_string(*mail.uid);
  for (const std::string& ticket : mail.tickets) line += " ticket=" + ticket;
  line += " cause=\"" + cause + '"';
  (void)client::log_line("mailorigin-milter", line);
  if (passes) return taken;
  if (!mail.by_smtp) return hold(context, "MailOrigin: unreachable");
  std::string code = "451";
  std::string status = "4.3.0";
  std::string text = "not sent: unreachable";
  smfi_setreply(context, code.data(), status.data(), text.data());
  return SMFIS_TEMPFAIL;
}

// Of what came through pickup(8).
void find_submitter(QueuedMail& mail) {
  if (mail.by_smtp) return;
  mail.uid = settings.mail_log->submitter_of(mail.queue_id);
  if (mail.uid) mail.uid_from = "mail-log";
}

sfsistat decide(SMFICTX* context, Passage& passage) {
  const Message& message = *passage.message;
  QueuedMail mail = message.describe();
  mail.queue_id = macro(context, "i");
  mail.by_smtp = passage.submitter.by_smtp;
  mail.cookie = passage.submitter.cookie;
  mail.client = passage.submitter.client;
  mail.server = passage.submitter.server;
  mail.uid = passage.submitter.uid;
  if (mail.tickets.empty()) find_submitter(mail);
  passage.asked.emplace(settings.daemon->ask(mail));
  if (const auto& answer = passage.asked->reply().answer; answer && answer->reason == bad_ticket) {
    mail.tickets.clear();
    find_submitter(mail);
    passage.asked.emplace(settings.daemon->ask(mail));
  } else if (!mail.tickets.empty() && !mail.by_smtp) {
    settings.mail_log->message_came(mail.queue_id);
  }
  const client::Reply& reply = passage.asked->reply();
  if (!reply.answer) return fail(context, passage, mail, reply.none.cause);
  const Answer& answer = *reply.answer;
  if (answer.verdict == Verdict::deny && mail.by_smtp) return refuse(context, answer);
  if (!answer.recorded) return fail(context, passage, mail, "mailorigind cannot write its journal");
  set_fields(context, message, answer.headers);
  // What came through pickup(8) is never refused: that would be a bounce, to whom its
  // sender names.
  if (answer.verdict == Verdict::deny || answer.verdict == Verdict::hold) {
    return hold(context, "MailOrigin: " + one_line(answer.reason) + ' ' + one_line(answer.id));
  }
  return taken;
}

// After the end of a message: whether the mail server's end has gone without SMFIC_QUIT. libmilter
// does not say so. But a change of the message it refuses after that command by itself, and before
// it leaves that to the kernel.
bool is_broken_off(SMFICTX* context) {
  std::string harmless(ticket_field);
  errno = 0;
  return smfi_chgheader(context, harmless.data(), 1, nullptr) != MI_SUCCESS &&
         (errno == EPIPE || errno == ECONNRESET);
}

// No exception enters libmilter. Out of memory, the mail server tries again.
template <class Work>
sfsistat guarded(Work work) {
  try {
    return work();
  } catch (const std::exception&) {
    return SMFIS_TEMPFAIL;
  }
}

extern "C" {

sfsistat on_negotiate(SMFICTX* context, unsigned long actions, unsigned long steps, unsigned long,
                      unsigned long, unsigned long* used_actions, unsigned long* used_steps,
                      unsigned long* reserved_too, unsigned long* reserved) {
  *used_actions = actions & wanted_actions;
  *used_steps = steps & (unwanted_steps | unanswered_steps);
  *reserved_too = *reserved = 0;
  if ((actions & SMFIF_SETSYMLIST) != 0) {
    char connect[] = "j {daemon_addr} {daemon_port}";
    char end[] = "i";
    (void)smfi_setsymlist(context, SMFIM_CONNECT, connect);
    (void)smfi_setsymlist(context, SMFIM_EOM, end);
  }
  return (steps & unanswered_steps) == unanswered_steps ? SMFIS_CONTINUE : SMFIS_REJECT;
}

sfsistat on_connect(SMFICTX* context, char*, _SOCK_ADDR* client) {
  return guarded([&] {
    const auto submitter = submitter_of(client, macro(context, "{daemon_addr}").c_str(),
                                        macro(context, "{daemon_port}").c_str());
    if (!submitter) return SMFIS_ACCEPT;
    auto passage = std::make_unique<Passage>();
    passage->submitter = *submitter;
    smfi_setpriv(context, passage.release());
    return SMFIS_CONTINUE;
  });
}

sfsistat on_sender(SMFICTX* context, char** arguments) {
  return guarded([&] {
    Passage& passage = *passage_of(context);
    passage.asked.reset();
    passage.message = std::make_unique<Message>(settings.local_domains->with(macro(context, "j")));
    passage.message->set_sender(arguments[0]);
    return SMFIS_NOREPLY;
  });
}

sfsistat on_recipient(SMFICTX* context, char** arguments) {
  return guarded([&] {
    passage_of(context)->message->add_recipient(arguments[0]);
    return SMFIS_NOREPLY;
  });
}

sfsistat on_field(SMFICTX* context, char* name, char* value) {
  return guarded([&] {
    passage_of(context)->message->add_field(name, value);
    return SMFIS_NOREPLY;
  });
}

sfsistat on_end(SMFICTX* context) {
  return guarded([&] {
    Passage& passage = *passage_of(context);
    const sfsistat verdict = decide(context, passage);
    passage.message.reset();
    return verdict;
  });
}

sfsistat on_abort(SMFICTX* context) {
  if (Passage* const passage = passage_of(context)) {
    passage->asked.reset();
    passage->message.reset();
  }
  return SMFIS_CONTINUE;
}

sfsistat on_close(SMFICTX* context) {
  const std::unique_ptr<Passage> passage(passage_of(context));
  smfi_setpriv(context, nullptr);
  // cleanup(8) says SMFIC_QUIT when the message is whole. Where it has been killed before,
  // pickup(8) brings the message again. By SMTP it is smtpd(8) that goes, when the message may be
  // whole.
  if (passage && passage->asked && !passage->submitter.by_smtp && hears_the_last_word() &&
      is_broken_off(context)) {
    passage->asked->take_back();
  }
  return SMFIS_CONTINUE;
}

}  // extern "C"

}  // namespace

Status open_filter(const std::string& connection, FilterSettings shared) {
  settings = shared;
  char name[] = "mailorigin-milter";
  smfiDesc filter{};
  filter.xxfi_name = name;
  filter.xxfi_version = SMFI_VERSION;
  filter.xxfi_flags = wanted_actions;
  filter.xxfi_negotiate = on_negotiate;
  filter.xxfi_connect = on_connect;
  filter.xxfi_envfrom = on_sender;
  filter.xxfi_envrcpt = on_recipient;
  filter.xxfi_header = on_field;
  filter.xxfi_eom = on_end;
  filter.xxfi_abort = on_abort;
  filter.xxfi_close = on_close;
  std::string where(connection);
  if (smfi_register(filter) != MI_SUCCESS || smfi_setconn(where.data()) != MI_SUCCESS ||
      smfi_opensocket(true) != MI_SUCCESS) {
    return Error{"cannot listen at " + connection};
  }
  return Done{};
}

Status run_filter() {
  if (smfi_main() != MI_SUCCESS) return Error{"libmilter has given up; see syslog"};
  return Done{};
}

void stop_filter() { (void)smfi_stop(); }

}  // namespace mailorigin::milter
