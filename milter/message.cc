#include "milter/message.h"

#include <algorithm>
#include <utility>

#include "core/mail/addresses.h"
#include "core/mail/facts.h"
#include "core/mail/header_block.h"
#include "core/mail/recipients.h"
#include "core/queue_policy.h"
#include "core/text.h"
#include "core/ulid.h"
#include "milter/limits.h"

namespace mailorigin::milter {

namespace {

constexpr std::string_view fields_looked_at[] = {"From", "Return-Path", "Subject", "Message-ID"};

// Behind a carriage return alone another field may begin, for some readers.
bool is_looked_at(std::string_view name, std::string_view value) {
  return value.find('\r') != std::string_view::npos ||
         std::any_of(std::begin(fields_looked_at), std::end(fields_looked_at),
                     [&](std::string_view each) { return equal_ignoring_case(each, name); });
}

std::string_view without_angles(std::string_view address) {
  if (address.starts_with('<') && address.ends_with('>')) {
    address.remove_prefix(1);
    address.remove_suffix(1);
  }
  return address;
}

}  // namespace

void Message::set_sender(std::string_view address) { sender_ = without_angles(address); }

void Message::add_recipient(std::string_view address) {
  recipient_count_++;
  address = without_angles(address);
  recipients_size_ += address.size();
  if (recipients_size_ <= recipients_limit) recipients_.emplace_back(address);
}

void Message::add_field(std::string_view name, std::string_view value) {
  name = trimmed(name);
  if (const auto counted = copies_.find(lower_case(name)); counted != copies_.end()) {
    counted->second = std::min(counted->second + 1, copies_removed);
  } else if (copies_.size() < names_counted) {
    copies_.emplace(lower_case(name), 1);
  }
  if (equal_ignoring_case(name, ticket_field)) {
    const std::string_view ticket = trimmed(value);
    if (Ulid::parse(ticket) && tickets_.size() < tickets_shown) tickets_.emplace_back(ticket);
  }
  if (!is_looked_at(name, value)) return;
  fields_cut_ = fields_cut_ || fields_.size() > fields_limit || value.size() > fields_limit;
  if (fields_.size() > fields_limit) return;
  fields_ += name;
  fields_ += ": ";
  fields_ += value.substr(0, fields_limit);
  fields_ += '\n';
}

unsigned Message::copies_of(std::string_view name) const {
  const auto counted = copies_.find(lower_case(name));
  if (counted != copies_.end()) return counted->second;
  return copies_.size() < names_counted ? 0 : copies_removed;
}

QueuedMail Message::describe() const {
  QueuedMail mail;
  mail.tickets = tickets_;
  mail.local_domains = local_domains_;
  if (!tickets_.empty() && recipients_size_ <= recipients_limit) add_digests(mail);
  MailText text;
  text.headers = fields_;
  text.header_names_recipients = false;
  // The sender as an option has it, so that none hides another.
  const std::vector<std::string> words = {"-f", sender_};
  const MailFacts facts = examine_mail(text, words);
  if (fields_cut_) {
    claim_cut_from(mail.claims, facts.from);
  } else {
    mail.claims.set(Field::from, facts.from);
  }
  mail.claims.set(Field::envelope_from, facts.envelope_from);
  mail.claims.set(Field::message_id, facts.message_id);
  mail.claims.set(Field::subject, field_value(fields_, "Subject"));
  mail.claims.set(Field::recipients, recipient_count_);
  std::string to;
  for (const std::string& recipient : recipients_) {
    if (to.size() > info(Field::to).limit) break;
    to += (to.empty() ? "" : ", ") + recipient;
  }
  mail.claims.set(Field::to, to);
  return mail;
}

// The sender named a recipient with its domain, or left that to the mail server.
void Message::add_digests(QueuedMail& mail) const {
  RecipientSet as_they_are;
  RecipientSet without_local_domains;
  bool differ = false;
  for (const std::string& recipient : recipients_) {
    as_they_are.add(recipient);
    const std::string_view domain = domain_of(recipient);
    const bool local = !domain.empty() && is_local(lower_case(domain));
    differ = differ || local;
    const std::size_t kept = recipient.size() - (local ? domain.size() + 1 : 0);
    without_local_domains.add(std::string_view(recipient).substr(0, kept));
  }
  mail.recipients.push_back(as_they_are.digest());
  if (differ) mail.recipients.push_back(without_local_domains.digest());
}

bool Message::is_local(std::string_view domain) const {
  return std::find(local_domains_.begin(), local_domains_.end(), domain) != local_domains_.end();
}

}  // namespace mailorigin::milter
