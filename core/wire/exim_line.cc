#include "core/wire/exim_line.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "core/base64url.h"
#include "core/counted.h"
#include "core/mail/facts.h"
#include "core/mail/header_block.h"
#include "core/name_values.h"
#include "core/text.h"
#include "core/ulid.h"

namespace mailorigin {

namespace {

// As Exim writes and reads it: with + and /, and padding.
std::optional<std::string> decode_base64(std::string_view text) {
  std::string bare(text.substr(0, std::min(text.find('='), text.size())));
  std::replace(bare.begin(), bare.end(), '+', '-');
  std::replace(bare.begin(), bare.end(), '/', '_');
  return base64url_decode(bare);
}

std::string encode_base64(std::string_view bytes) {
  std::string text = base64url_encode(bytes);
  std::replace(text.begin(), text.end(), '-', '+');
  std::replace(text.begin(), text.end(), '_', '/');
  return text.append((4 - text.size() % 4) % 4, '=');
}

// The words of a line, before they have a meaning together.
struct Words {
  QueuedMail mail;
  EximLine::End client, server;
  std::string sender, recipients, qualify, domain, from;
};

bool read_uid(std::string_view value, QueuedMail& mail) {
  const auto uid = parse_number(value, UINT32_MAX - 1);
  if (uid) mail.uid = static_cast<std::uint32_t>(*uid);
  return uid.has_value();
}

bool read_number(Field field, std::string_view value, QueuedMail& mail) {
  mail.claims.set(field, value);
  return parse_number(value).has_value();
}

bool read_address(std::string_view value, EximLine::End& end) {
  end.address = value;
  return !value.empty();
}

bool read_port(std::string_view value, EximLine::End& end) {
  const auto port = parse_number(value, UINT16_MAX);
  end.port = static_cast<std::uint16_t>(port.value_or(0));
  return port.has_value();
}

// Several fields of that name are lines of one value.
bool read_tickets(std::string_view value, QueuedMail& mail) {
  while (!value.empty() && mail.tickets.size() < tickets_shown) {
    const std::size_t end = std::min(value.find('\n'), value.size());
    const std::string_view ticket = trimmed(value.substr(0, end));
    if (Ulid::parse(ticket)) mail.tickets.emplace_back(ticket);
    value.remove_prefix(std::min(end + 1, value.size()));
  }
  return true;
}

bool read_text(std::string_view name, std::string value, Words& words) {
  if (name == "ticket") return read_tickets(value, words.mail);
  if (name == "to") {
    words.mail.claims.set(Field::to, trimmed(value));
    return true;
  }
  if (name == "subject" || name == "message_id") {
    words.mail.claims.set(*field_named(name), field_value("X:" + value, "X"));
    return true;
  }
  std::string* const text = name == "sender"       ? &words.sender
                            : name == "recipients" ? &words.recipients
                            : name == "qualify"    ? &words.qualify
                            : name == "domain"     ? &words.domain
                            : name == "from"       ? &words.from
                                                   : nullptr;
  if (text != nullptr) *text = std::move(value);
  return text != nullptr;
}

bool read_word(std::string_view name, std::string_view value, Words& words) {
  if (name == "id") {
    words.mail.queue_id = value;
    return !value.empty() && value.size() <= queue_id_limit;
  }
  if (name == "by") {
    words.mail.by_smtp = value == "smtp";
    return value == "smtp" || value == "program";
  }
  if (name == "uid") return read_uid(value, words.mail);
  if (name == "count") return read_number(Field::recipients, value, words.mail);
  if (name == "size") return read_number(Field::size, value, words.mail);
  if (name == "address") return read_address(value, words.client);
  if (name == "port") return read_port(value, words.client);
  if (name == "local_address") return read_address(value, words.server);
  if (name == "local_port") return read_port(value, words.server);
  auto text = decode_base64(value);
  return text && read_text(name, *std::move(text), words);
}

// As Exim has them, and as their sender may have named them: without the domain that Exim
// gives to a name.
void add_digests(const Words& words, QueuedMail& mail) {
  RecipientSet as_they_are;
  as_they_are.add(words.recipients);
  mail.recipients.push_back(as_they_are.digest());
  const auto addresses = addresses_in(words.recipients);
  if (!addresses || words.qualify.empty()) return;
  RecipientSet bare;
  for (std::string_view address : *addresses) {
    const std::size_t at = std::min(address.rfind('@'), address.size());
    const bool is_local =
        at < address.size() && equal_ignoring_case(address.substr(at + 1), words.qualify);
    bare.add(is_local ? address.substr(0, at) : address);
  }
  mail.recipients.push_back(bare.digest());
}

// The sender as an option has it, and From as a header has it: the same rule looks at both.
void add_senders(const Words& words, Event& claims) {
  const std::string arguments[] = {"-f", words.sender};
  MailText header;
  std::string from;
  std::string_view rest = words.from;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    const bool goes_on = !line.empty() && (line[0] == ' ' || line[0] == '\t') && !from.empty();
    from += (goes_on ? "" : "From: ") + std::string(line) + "\n";
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  header.headers = from;
  header.header_names_recipients = false;
  const MailFacts facts = examine_mail(header, arguments);
  // conf/exim says no more of it than may be.
  if (words.from.size() > info(Field::from).limit) {
    claim_cut_from(claims, facts.from);
  } else {
    claims.set(Field::from, facts.from);
  }
  claims.set(Field::envelope_from, facts.envelope_from);
}

}  // namespace

Result<EximLine> read_exim_line(std::string_view line) {
  Words words;
  while (!line.empty()) {
    const std::size_t length = std::min(line.find(' '), line.size());
    const std::string_view word = line.substr(0, length);
    line.remove_prefix(std::min(length + 1, line.size()));
    const std::size_t equals = word.find('=');
    if (equals == word.npos || !read_word(word.substr(0, equals), word.substr(equals + 1), words)) {
      std::string shown;
      append_one_line(shown, cut(word, 64));
      return Error{"Exim's line: '" + shown + "' is not understood"};
    }
  }
  if (words.mail.queue_id.empty()) return Error{"Exim's line: there is no id"};
  EximLine read{std::move(words.mail), std::move(words.client), std::move(words.server)};
  read.mail.is_refusable = true;
  if (read.mail.uid) read.mail.uid_from = "exim";
  add_digests(words, read.mail);
  add_senders(words, read.mail.claims);
  if (!words.domain.empty() && words.domain.size() <= local_domain_limit) {
    read.mail.local_domains.push_back(lower_case(words.domain));
  }
  return read;
}

std::string exim_answer(const Answer& answer) {
  // Exim knows two ways for a message that it has taken.
  const bool passes = answer.verdict == Verdict::allow || answer.verdict == Verdict::observe;
  std::string line = "verdict=" + std::string(passes ? "allow" : verdict_name(answer.verdict));
  if (answer.verdict == Verdict::deny) {
    std::string text = "not sent: ";
    append_one_line(text, answer.reason);
    if (!answer.id.empty()) text += " (event " + answer.id + ")";
    if (answer.retry_after > 0) {
      text += "; again in " + counted(answer.retry_after, "second");
    }
    return line + " text=" + encode_base64(text) + "\n";
  }
  std::string names;
  std::string fields;
  for (const auto& [name, value] : answer.headers) {
    names += (names.empty() ? "" : ":") + name;
    // Each goes in front of those before it.
    if (!value.empty()) fields.insert(0, ":at_start:" + name + ": " + header_value(value) + "\n");
  }
  if (!names.empty()) line += " remove=" + names;
  if (!fields.empty()) line += " add=" + encode_base64(fields);
  return line + "\n";
}

}  // namespace mailorigin
