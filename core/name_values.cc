#include "core/name_values.h"

#include <charconv>

namespace mailorigin {

namespace {

constexpr std::uint32_t short_length_end = 128;

char* write_length(char* to, std::size_t length) {
  if (length < short_length_end) {
    *to++ = static_cast<char>(length);
    return to;
  }
  const auto wide = static_cast<std::uint32_t>(length) | 0x80000000U;
  for (int shift = 24; shift >= 0; shift -= 8) *to++ = static_cast<char>(wide >> shift);
  return to;
}

}  // namespace

void NameValueWriter::add(std::string_view name, std::string_view value) {
  char lengths[8];
  const char* const end = write_length(write_length(lengths, name.size()), value.size());
  out_.append(lengths, static_cast<std::size_t>(end - lengths));
  out_ += name;
  out_ += value;
}

void NameValueWriter::add(std::string_view name, std::uint64_t value) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  add(name, std::string_view(digits, end));
}

// Not an optional: putting one together for the register that it is returned in
// costs more than all the rest of this.
bool NameValueReader::length(std::uint32_t& value) {
  if (rest_.empty()) return false;
  value = static_cast<unsigned char>(rest_[0]);
  if (value < short_length_end) {
    rest_.remove_prefix(1);
    return true;
  }
  if (rest_.size() < 4) return false;
  value &= 0x7f;
  for (std::size_t i = 1; i < 4; i++) value = value << 8 | static_cast<unsigned char>(rest_[i]);
  rest_.remove_prefix(4);
  return true;
}

std::optional<NameValueReader::Pair> NameValueReader::next() {
  if (rest_.empty() || failed_) return std::nullopt;
  std::uint32_t name_length = 0;
  std::uint32_t value_length = 0;
  if (!length(name_length) || !length(value_length) ||
      rest_.size() < std::uint64_t{name_length} + value_length) {
    failed_ = true;
    return std::nullopt;
  }
  const Pair pair{rest_.substr(0, name_length), rest_.substr(name_length, value_length)};
  rest_.remove_prefix(std::size_t{name_length} + value_length);
  return pair;
}

std::optional<std::uint64_t> parse_number(std::string_view text, std::uint64_t limit) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;
  const auto [stop, fault] = std::from_chars(text.data(), end, value);
  if (fault != std::errc() || stop != end || value > limit) return std::nullopt;
  return value;
}

}  // namespace mailorigin
