#include "core/wire/queueing.h"

#include <algorithm>
#include <iterator>

namespace mailorigin {

namespace {

constexpr Field claimed[] = {Field::from,    Field::envelope_from, Field::to,   Field::recipients,
                             Field::subject, Field::message_id,    Field::size, Field::truncated};

bool read_claim(std::string_view name, std::string_view value, Event& claims) {
  const auto field = field_named(name);
  const auto* const found = std::find(std::begin(claimed), std::end(claimed), field);
  if (found == std::end(claimed)) return false;
  claims.set(*found, value);
  return true;
}

// `of_end`: the rest of a pair's name.
bool read_end(std::string_view of_end, std::string_view value, TcpEnd& end) {
  if (of_end == "_address") return read_bytes(value, end.address);
  const auto port = of_end == "_port" ? parse_number(value, UINT16_MAX) : std::nullopt;
  end.port = static_cast<std::uint16_t>(port.value_or(0));
  return port.has_value();
}

void add_end(NameValueWriter& writer, const std::string& name, const TcpEnd& end) {
  writer.add(name + "_address", view(end.address));
  writer.add(name + "_port", std::uint64_t{end.port});
}

bool read_pair(std::string_view name, std::string_view value, QueuedMail& mail) {
  if (name == "queue_id") {
    mail.queue_id = value;
    return value.size() <= queue_id_limit;
  }
  if (name == "by_smtp") return mail.by_smtp = value == "1";
  if (name == "ticket") {
    mail.tickets.emplace_back(value);
    return value.size() == Ulid::text_length && mail.tickets.size() <= tickets_shown;
  }
  if (name == "recipient_digest") {
    return read_bytes(value, mail.recipients.emplace_back()) &&
           mail.recipients.size() <= digests_shown;
  }
  if (name == "local_domain") {
    mail.local_domains.emplace_back(value);
    return !value.empty() && value.size() <= local_domain_limit &&
           mail.local_domains.size() <= local_domains_told;
  }
  if (name == "cookie") {
    const auto cookie = parse_number(value);
    mail.cookie = cookie.value_or(0);
    return cookie.has_value();
  }
  if (name.starts_with("client_")) return read_end(name.substr(6), value, mail.client);
  if (name.starts_with("server_")) return read_end(name.substr(6), value, mail.server);
  if (name == "uid") {
    const auto uid = parse_number(value, UINT32_MAX);
    if (uid) mail.uid = static_cast<std::uint32_t>(*uid);
    return uid.has_value();
  }
  if (name == "uid_from") {
    mail.uid_from = value;
    return value.size() <= info(Field::uid_from).limit;
  }
  return read_claim(name, value, mail.claims);
}

}  // namespace

void claim_cut_from(Event& claims, std::string from) {
  from.resize(std::max(from.size(), info(Field::from).limit + 1), ' ');
  claims.set(Field::from, from);
}

std::string encode_queued(const QueuedMail& mail) {
  std::string packet = encode_head(MessageType::queued);
  NameValueWriter writer(packet);
  writer.add("nonce", view(mail.nonce));
  if (!mail.queue_id.empty()) {
    writer.add("queue_id", std::string_view(mail.queue_id).substr(0, queue_id_limit));
  }
  if (mail.by_smtp) writer.add("by_smtp", std::uint64_t{1});
  for (const std::string& ticket : mail.tickets) writer.add("ticket", ticket);
  for (const RecipientDigest& digest : mail.recipients)
    writer.add("recipient_digest", view(digest));
  for (const std::string& domain : mail.local_domains) writer.add("local_domain", domain);
  if (mail.cookie != 0) {
    writer.add("cookie", mail.cookie);
    add_end(writer, "client", mail.client);
    add_end(writer, "server", mail.server);
  }
  if (mail.uid) writer.add("uid", std::uint64_t{*mail.uid});
  if (!mail.uid_from.empty()) writer.add("uid_from", mail.uid_from);
  append_event(packet, mail.claims);
  return packet;
}

Result<QueuedMail> decode_queued(std::string_view packet) {
  QueuedMail mail;
  bool has_nonce = false;
  const Status read = read_packet(MessageType::queued, "queued mail", packet,
                                  [&](std::string_view name, std::string_view value) {
                                    if (name != "nonce") return read_pair(name, value, mail);
                                    return has_nonce = read_bytes(value, mail.nonce);
                                  });
  if (!read) return read.error();
  if (!has_nonce) return Error{"queued mail: no nonce"};
  return mail;
}

}  // namespace mailorigin
