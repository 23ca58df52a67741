#include "core/context.h"

#include <time.h>

#include <algorithm>
#include <cstddef>

#include "core/abi/layout.h"
#include "core/bytes.h"
#include "core/name_values.h"
#include "core/text.h"

namespace mailorigin {

namespace {

struct Detail {
  std::string_view name;
  std::string Context::*value;
  std::size_t limit;
};

constexpr Detail details[] = {
    {"vhost", &Context::vhost, context_name_limit},
    {"docroot", &Context::docroot, context_path_limit},
    {"entry", &Context::entry, context_path_limit},
    {"client", &Context::client, context_word_limit},
    {"method", &Context::method, context_word_limit},
    {"uri", &Context::uri, context_uri_limit},
};

// What encode_tag() writes is what the kernel's programs read.
static_assert(sizeof(mo_tag) == ContextTag::size && int{mo_tag_size} == ContextTag::size);
static_assert(offsetof(mo_tag, flags) == 1 && offsetof(mo_tag, key_id) == 4);
static_assert(offsetof(mo_tag, vhost) == 8 && offsetof(mo_tag, uid) == 12);
static_assert(offsetof(mo_tag, request_id) == 16 && offsetof(mo_tag, boottime_ns) == 32);
static_assert(offsetof(mo_tag, seal) == ContextTag::sealed);
static_assert(int{mo_tag_version} == ContextTag::version);
static_assert(int{mo_tag_pass} == ContextTag::pass);
static_assert(int{mo_tag_truncated} == ContextTag::truncated);

constexpr std::uint8_t known_flags = ContextTag::pass | ContextTag::truncated;

}  // namespace

std::string encode_tag(const ContextTag& tag) {
  std::string out;
  out.reserve(ContextTag::size);
  append_little_endian(out, ContextTag::version);
  append_little_endian(out, tag.flags);
  append_little_endian(out, std::uint16_t{0});
  append_little_endian(out, tag.key_id);
  append_little_endian(out, tag.vhost_id);
  append_little_endian(out, tag.uid);
  out.append(tag.request_id.bytes.begin(), tag.request_id.bytes.end());
  append_little_endian(out, tag.boottime_ns);
  return out;
}

std::optional<ContextTag> decode_tag(std::string_view bytes, std::uint8_t purpose) {
  if (bytes.size() < ContextTag::sealed) return std::nullopt;
  ContextTag tag;
  tag.flags = little_endian<std::uint8_t>(bytes, 1);
  if (little_endian<std::uint8_t>(bytes, 0) != ContextTag::version ||
      (tag.flags & ~known_flags) != purpose || little_endian<std::uint16_t>(bytes, 2) != 0) {
    return std::nullopt;
  }
  tag.key_id = little_endian<std::uint32_t>(bytes, 4);
  tag.vhost_id = little_endian<std::uint32_t>(bytes, 8);
  tag.uid = little_endian<std::uint32_t>(bytes, 12);
  std::copy_n(bytes.begin() + 16, tag.request_id.bytes.size(), tag.request_id.bytes.begin());
  tag.boottime_ns = little_endian<std::uint64_t>(bytes, 32);
  return tag;
}

std::string_view context_for_firewall(std::string_view bytes) {
  return bytes.size() <= mo_context_size ? bytes : bytes.substr(0, ContextTag::size);
}

bool append_details(std::string& out, const Context& context) {
  NameValueWriter writer(out);
  bool truncated = false;
  for (const Detail& detail : details) {
    const std::string_view whole = context.*detail.value;
    const std::string_view value = cut(whole, detail.limit);
    truncated |= value.size() < whole.size();
    if (!value.empty()) writer.add(detail.name, value);
  }
  return truncated;
}

bool read_details(std::string_view pairs, Context& context) {
  const auto take = [&](std::string_view name, std::string_view value) {
    const auto* const detail = std::find_if(std::begin(details), std::end(details),
                                            [&](const Detail& d) { return d.name == name; });
    if (detail == std::end(details) || value.size() > detail->limit) return false;
    context.*detail->value = value;
    return true;
  };
  return static_cast<bool>(each_pair("context", pairs, take));
}

std::uint64_t boottime_now_ns() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000U +
         static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace mailorigin
