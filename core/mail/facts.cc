#include "core/mail/facts.h"

#include <algorithm>
#include <array>

#include "core/mail/address_lexer.h"
#include "core/mail/header_block.h"
#include "core/mail/recipients.h"
#include "core/mail/sendmail_options.h"
#include "core/text.h"

namespace mailorigin {

namespace {

constexpr std::array<std::string_view, 7> recipient_fields = {
    "To", "Cc", "Bcc", "Resent-To", "Resent-Cc", "Resent-Bcc", "Apparently-To"};

void add_to_list(std::string& list, std::string_view address) {
  if (!list.empty()) list += ", ";
  if (address.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    list += "<>";
  } else if (is_closed(address)) {
    list += address;
  } else {
    for (const char character : address) {
      if (std::string_view("\"()[]\\").find(character) != std::string_view::npos) list += '\\';
      list += character;
    }
  }
}

// Walks a header block once for what a mail's facts need of it.
class FieldReader {
 public:
  // Adds to `facts`, and to `recipients` where these are not null.
  FieldReader(MailFacts& facts, RecipientSet* recipients)
      : facts_(facts), recipients_(recipients) {}

  // Where a carriage return stands alone, a field both goes on behind it and ends
  // there, with others following.
  void read(std::string_view headers) {
    HeaderBlock fields(headers, HeaderBlock::Lines::ended_by_lf);
    while (const auto field = fields.next()) {
      read(*field);
      HeaderBlock inner(field->whole, HeaderBlock::Lines::ended_by_cr_too);
      inner.next();  // the beginning of what has been read
      while (const auto more = inner.next()) read(*more);
    }
  }

  [[nodiscard]] std::uint64_t addresses_in_from() const { return addresses_in_from_; }

 private:
  void read(const HeaderField& field) {
    if (std::any_of(recipient_fields.begin(), recipient_fields.end(),
                    [&](std::string_view name) { return equal_ignoring_case(field.name, name); })) {
      if (recipients_ == nullptr) return;
      facts_.recipients += count_addresses(field.body);
      recipients_->add(field.body);
    } else if (equal_ignoring_case(field.name, "From")) {
      // One without a value is the mail server's to fill in.
      const std::string value = unfolded(field.body);
      if (!value.empty()) add_to_list(facts_.from, value);
      addresses_in_from_ += count_addresses(field.body);
    } else if (equal_ignoring_case(field.name, "Return-Path")) {
      add_to_list(facts_.envelope_from, unfolded(field.body));
    } else if (facts_.message_id.empty() && equal_ignoring_case(field.name, "Message-ID")) {
      facts_.message_id = unfolded(field.body);
    }
  }

  MailFacts& facts_;
  RecipientSet* recipients_;
  std::uint64_t addresses_in_from_ = 0;
};

constexpr std::string_view recipient_command = "RCPT";

// In an SMTP dialogue every RCPT may be a recipient, wherever it stands.
std::uint64_t count_rcpt(std::string_view text) {
  constexpr std::size_t length = recipient_command.size();
  std::uint64_t count = 0;
  for (std::size_t i = 0; i + length <= text.size(); i++) {
    count += equal_ignoring_case(text.substr(i, length), recipient_command) ? 1 : 0;
  }
  return count;
}

// Of a text that may be all commands once it is decoded, which makes no text longer.
std::uint64_t most_rcpt(std::string_view encoded) {
  return encoded.size() / recipient_command.size();
}

}  // namespace

MailFacts examine_mail(const MailText& mail, std::span<const std::string> words,
                       std::size_t administrators) {
  MailFacts facts;
  RecipientSet recipients;
  facts.recipients = count_addresses(mail.to);
  recipients.add(mail.to);
  FieldReader fields(facts, mail.header_names_recipients ? &recipients : nullptr);
  fields.read(mail.headers);
  const SendmailOptions options = read_sendmail_options(words, administrators);
  for (const std::string_view word : options.recipients) {
    // One that has none is the postmaster for some.
    facts.recipients += std::max<std::uint64_t>(count_addresses(word), 1);
    recipients.add(word);
  }
  facts.recipient_digest = recipients.digest();
  for (const std::string_view sender : options.senders) add_to_list(facts.envelope_from, sender);
  for (const std::string& name : options.not_understood) add_to_list(facts.envelope_from, name);
  if (options.sender_from_header && !facts.from.empty()) {
    add_to_list(facts.envelope_from, facts.from);
    facts.recipients += std::max<std::uint64_t>(fields.addresses_in_from(), 1) - 1;
  }
  if (options.smtp_dialogue) {
    for (const std::string_view text : {mail.to, mail.headers}) {
      facts.recipients += count_rcpt(text);
    }
    for (const std::string_view text : {mail.subject, mail.message}) {
      facts.recipients += mail.is_converted ? most_rcpt(text) : count_rcpt(text);
    }
  }
  return facts;
}

}  // namespace mailorigin
