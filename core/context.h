// The context: what httpd says about the request that a process works for.
//
// httpd seals it, the worker carries it as text in SSL_MAILORIGIN_CONTEXT
// without being able to change it, the daemon checks it (seal.h). The bytes are
// specified in docs/formats.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/ulid.h"

namespace mailorigin {

inline constexpr std::string_view context_variable = "SSL_MAILORIGIN_CONTEXT";

// The fixed head, small enough for the kernel program to check.
struct ContextTag {
  static constexpr std::size_t size = 48;    // with its seal
  static constexpr std::size_t sealed = 40;  // what the seal covers
  static constexpr std::uint8_t version = 1;

  enum Flag : std::uint8_t {
    pass = 1,       // MailOrigin Off when it was made; what counts is whether it still is
    truncated = 2,  // a detail was longer than its limit and was cut
    // No context at all: httpd's own word about a request, which nobody carries; see
    // core/wire/deputing.h.
    deputy = 4,
  };
  static constexpr std::uint32_t any_uid = UINT32_MAX;

  std::uint8_t flags = 0;
  std::uint32_t key_id = 0;
  std::uint32_t vhost_id = 0;
  std::uint32_t uid = any_uid;  // what the vhost's PHP runs as, where httpd knows
  Ulid request_id;
  std::uint64_t boottime_ns = 0;  // CLOCK_BOOTTIME when httpd sealed it
};

struct Context {
  ContextTag tag;
  std::string vhost;  // ServerName:port
  std::string docroot;
  std::string entry;   // the script that httpd was asked for
  std::string client;  // address
  std::string method;
  std::string uri;
};

// Limits in bytes; a longer detail is cut at a character and flagged.
inline constexpr std::size_t context_path_limit = 1024;  // docroot, entry
inline constexpr std::size_t context_uri_limit = 1024;
inline constexpr std::size_t context_name_limit = 300;   // vhost
inline constexpr std::size_t context_word_limit = 64;    // client, method
inline constexpr std::size_t context_text_limit = 8192;  // of the whole text

// The tag's first 40 bytes, little-endian: what its seal is computed over.
std::string encode_tag(const ContextTag& tag);

// The reverse of encode_tag() over at least 40 bytes; nothing for another
// version or reserved bits that are set, nor where the flag `deputy` is not as in `purpose`:
// what is sealed for the one purpose is nothing for the other.
std::optional<ContextTag> decode_tag(std::string_view bytes, std::uint8_t purpose = 0);

// As much of a context's bytes as the firewall has room for beside a process: all of
// them, or the tag alone, which is what the kernel checks.
std::string_view context_for_firewall(std::string_view bytes);

// Appends the details as name-value pairs, each cut to its limit.
// True if one was cut.
bool append_details(std::string& out, const Context& context);

// The reverse, into the context's details. False for a pair that is malformed,
// unknown or longer than its limit.
bool read_details(std::string_view pairs, Context& context);

// CLOCK_BOOTTIME now, in nanoseconds.
std::uint64_t boottime_now_ns();

}  // namespace mailorigin
