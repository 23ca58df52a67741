// The words after a sendmail program's name, read as Postfix, Exim, Sendmail 8,
// msmtp and the small ones read them. These differ, and nobody here knows which
// one is installed: so a word that may be a sender for one of them is one, and
// one that may be a recipient is one too.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mailorigin {

struct SendmailOptions {
  std::vector<std::string_view> senders;  // of every -f, -r and --from
  std::vector<std::string_view> recipients;
  // One of them is a recipient for every program. Where none is, nullmailer goes by the
  // message's header, as with -t.
  bool surely_names_recipient = false;
  // Names of options by which the sender may become another one in a way that is
  // not read here: an unknown one, another account or configuration (-C, msmtp's
  // -a), another mode than sending (-bs), a full name (-F) that could be taken for
  // an address.
  std::vector<std::string> not_understood;
  // -t, or msmtp's --read-recipients: the message's header names recipients.
  bool recipients_from_header = false;
  // What the program is to do, in the letter of -b; 'q' for -q, 'i' for -I. Nothing
  // without any: then, as with 'm', it sends a message that it reads.
  std::optional<char> mode;
  // False where it depends on the program, because of several -b or one that may be
  // another option's value.
  bool mode_is_sure = true;
  // -bs, -bS: the message is an SMTP dialogue, and names sender and recipients itself.
  bool smtp_dialogue = false;
  // msmtp's --read-envelope-from: From's first address is the sender, and any more are
  // recipients.
  bool sender_from_header = false;
};

// The first `administrators` words are the command line that the administrator
// chose (PHP's sendmail_path), the program included: of these only senders count.
SendmailOptions read_sendmail_options(std::span<const std::string> words,
                                      std::size_t administrators = 0);

}  // namespace mailorigin
