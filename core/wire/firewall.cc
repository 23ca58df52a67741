#include "core/wire/firewall.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "core/name_values.h"
#include "core/sha256.h"

namespace mailorigin {

std::string encode_process(const mo_registration& process) {
  std::string packet = encode_head(MessageType::process);
  NameValueWriter writer(packet);
  writer.add("pid", std::uint64_t{process.tgid});
  writer.add("uid", std::uint64_t{process.uid});
  writer.add("start", std::uint64_t{process.start_ticks});
  if (process.page != 0) writer.add("page", std::uint64_t{process.page});
  if (process.origin.context_size != 0) {
    writer.add("context",
               {reinterpret_cast<const char*>(process.origin.bytes), process.origin.context_size});
  }
  return packet;
}

Result<mo_registration> decode_process(std::string_view packet) {
  mo_registration process{};
  std::optional<std::uint64_t> pid;
  std::optional<std::uint64_t> uid;
  const Status read = read_packet(
      MessageType::process, "process", packet, [&](std::string_view name, std::string_view value) {
        if (name == "context") {
          if (value.size() > mo_context_size) return false;
          process.origin = {};  // said twice, the last one counts, whole
          process.origin.context_size = static_cast<std::uint16_t>(value.size());
          std::copy(value.begin(), value.end(), process.origin.bytes);
          return true;
        }
        const auto number = parse_number(value, UINT64_MAX);
        if (!number) return false;
        if (name == "pid" && *number <= INT32_MAX) return (pid = number).has_value();
        if (name == "uid" && *number < UINT32_MAX) return (uid = number).has_value();
        if (name == "start") process.start_ticks = *number;
        if (name == "page") process.page = *number;
        return name == "start" || (name == "page" && *number % mo_page_size == 0);
      });
  if (!read) return read.error();
  if (!pid || !uid) return Error{"process: 'pid' or 'uid' is missing"};
  process.tgid = static_cast<std::uint32_t>(*pid);
  process.uid = static_cast<std::uint32_t>(*uid);
  return process;
}

std::string encode_blocks_digest(std::string_view digest) {
  std::string packet = encode_head(MessageType::blocks);
  NameValueWriter(packet).add("digest", digest);
  return packet;
}

Result<std::string> decode_blocks_digest(std::string_view packet) {
  std::string digest;
  const Status read = read_packet(MessageType::blocks, "blocks", packet,
                                  [&](std::string_view name, std::string_view value) {
                                    digest = value;
                                    return name == "digest" && value.size() == Sha256::size;
                                  });
  if (!read) return read.error();
  if (digest.empty()) return Error{"blocks: 'digest' is missing"};
  return digest;
}

}  // namespace mailorigin
