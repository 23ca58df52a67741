#include "core/wire/deputing.h"

#include <algorithm>
#include <iterator>

#include "core/name_values.h"
#include "core/seal.h"
#include "core/smtp_policy.h"
#include "core/verdict.h"
#include "core/wire/sixteen_bytes.h"

namespace mailorigin {

namespace {

constexpr std::string_view request_name = "request";
constexpr Field said[] = {Field::verdict, Field::reason, Field::dst, Field::dst_port, Field::file,
                          Field::line,    Field::caller, Field::exe, Field::truncated};

bool read_said(std::string_view name, std::string_view value, Event& connection) {
  const auto field = field_named(name);
  if (!field || std::find(std::begin(said), std::end(said), *field) == std::end(said)) return false;
  connection.set(*field, value);
  return true;
}

bool is_whole(const Event& connection) {
  const auto verdict = verdict_named(connection.get(Field::verdict));
  return verdict && *verdict != Verdict::hold && *verdict != Verdict::redirect &&
         parse_ip_address(connection.get(Field::dst)) &&
         parse_number(connection.get(Field::dst_port), UINT16_MAX);
}

}  // namespace

std::string encode_deputed(const DeputedConnection& deputed, const SealKey& key) {
  ContextTag tag = deputed.request.tag;
  tag.flags |= ContextTag::deputy;
  std::string details;
  if (append_details(details, deputed.request)) tag.flags |= ContextTag::truncated;
  std::string pairs;
  NameValueWriter statement(pairs);
  statement.add(request_name, details);
  for (const Field field : said) {
    const std::string& value = deputed.connection.get(field);
    if (!value.empty()) statement.add(info(field).name, value);
  }
  std::string packet = encode_head(MessageType::deputed);
  NameValueWriter writer(packet);
  writer.add("nonce", view(deputed.nonce));
  writer.add("statement", seal_bytes(tag, pairs, key));
  return packet;
}

Result<DeputedConnection> decode_deputed(std::string_view packet, const KeyRing& keys,
                                         std::uint64_t now_ns) {
  DeputedConnection deputed;
  bool has_nonce = false;
  std::string_view statement;
  const Status read = read_packet(MessageType::deputed, "deputed connection", packet,
                                  [&](std::string_view name, std::string_view value) {
                                    if (name == "nonce")
                                      return has_nonce = read_bytes(value, deputed.nonce);
                                    statement = value;
                                    return name == "statement" && value.size() <= deputed_limit;
                                  });
  if (!read) return read.error();
  if (!has_nonce) return Error{"deputed connection: no nonce"};
  const UnsealedPairs unsealed = unseal_pairs(statement, ContextTag::deputy, keys, now_ns);
  if (!unsealed.tag) {
    return Error{"deputed connection: " + std::string(seal_fault_name(unsealed.fault))};
  }
  deputed.request.tag = *unsealed.tag;
  const Status understood = each_pair("deputed connection", unsealed.pairs,
                                      [&](std::string_view name, std::string_view value) {
                                        if (name == request_name)
                                          return read_details(value, deputed.request);
                                        return read_said(name, value, deputed.connection);
                                      });
  if (!understood) return understood.error();
  if (!is_whole(deputed.connection)) return Error{"deputed connection: leads nowhere"};
  return deputed;
}

}  // namespace mailorigin
