// What MailOrigin needs to know of a mail before it leaves.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/mail/recipients.h"

namespace mailorigin {

struct MailText {
  std::string_view to;  // mail()'s first argument
  std::string_view subject;
  std::string_view headers;
  std::string_view message;
  bool header_names_recipients = true;  // as sendmail's -t has it
  bool is_converted = false;  // what leaves are the message and subject in another encoding
};

struct MailFacts {
  std::uint64_t recipients = 0;  // over To, Cc, Bcc, Resent-* and the arguments; never too few
  RecipientDigest recipient_digest{};  // of the same
  // The From field; several are joined by commas, as below.
  std::string from;
  // Of every Return-Path (qmail's and nullmailer's sendmail take it from there), -f, -r and
  // --from, and the names of options that may change it. One
  // that would hide its neighbours (an open quote) has its specials escaped.
  std::string envelope_from;
  std::string message_id;
};

// For `words` and `administrators` see read_sendmail_options().
MailFacts examine_mail(const MailText& mail, std::span<const std::string> words,
                       std::size_t administrators = 0);

}  // namespace mailorigin
