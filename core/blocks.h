// Blocks: what an administrator has stopped at once, for a time or until further
// notice, beside all that httpd.conf says.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/result.h"
#include "core/smtp_policy.h"

namespace mailorigin {

inline constexpr std::size_t blocks_limit = 1024;      // in force at once
inline constexpr std::size_t block_name_limit = 1024;  // bytes, of a name or path
inline constexpr std::size_t block_reason_limit = 200;
inline constexpr std::size_t block_author_limit = 64;
// Of all of them, encoded: each has two paths at most.
inline constexpr std::size_t blocks_size_limit = std::size_t{4} << 20;

// Whom a block is of: `site:shop.example`, `script:/srv/shop/x.php`, `user:shop`,
// `user:#1001`, `client:192.0.2.7`, `client:2001:db8::/32`.
struct BlockSubject {
  enum class Kind : std::uint8_t { site, script, user, client };
  Kind kind = Kind::site;
  // ServerName in lower case; a path; the user's name, or "#uid"; address[/prefix].
  std::string name;
  std::uint32_t uid = 0;  // of a user: what counts
  IpAddress address{};    // of a client: without the bits behind its prefix
  std::uint8_t prefix = 128;

  // Whether it is the same one, however it is called.
  bool operator==(const BlockSubject& other) const;
  [[nodiscard]] std::string text() const;  // as above
};

// The error says what is expected. A user by its name has the uid 0 still: only who
// has the host's accounts knows it.
Result<BlockSubject> parse_block_subject(std::string_view text);

struct Block {
  BlockSubject subject;
  std::string real_path{};     // of a script: without symbolic links, where that is another
  bool hold = false;           // MailOrigin's verdict hold, else deny
  std::uint64_t since_ms = 0;  // since the epoch
  std::optional<std::uint64_t> until_ms{};  // nothing: until further notice
  std::string by{};                         // the administrator's account
  std::string reason{};

  [[nodiscard]] bool is_over(std::uint64_t now_ms) const {
    return until_ms.has_value() && *until_ms <= now_ms;
  }
  // "site:shop.example by alice since … until …: reason"; for logs.
  [[nodiscard]] std::string description() const;
};

// As pairs; see docs/formats.md, Blocks.
std::string encode_block(const Block& block);
// Fails on unknown, missing and malformed pairs, and on what is longer than its limit.
Result<Block> decode_block(std::string_view pairs);

class Blocks {
 public:
  // In the place of the one of the same subject, if there is one. Fails where there are
  // blocks_limit already.
  Status add(Block block);
  // False: there is none of this subject.
  bool remove(const BlockSubject& subject);
  void clear() { *this = {}; }
  // Takes those away that are over, and returns them.
  std::vector<Block> expire(std::uint64_t now_ms);

  [[nodiscard]] bool empty() const { return list_.empty(); }
  [[nodiscard]] const std::vector<Block>& list() const { return list_; }
  [[nodiscard]] bool has(BlockSubject::Kind kind) const {
    return counts_[static_cast<std::size_t>(kind)] > 0;
  }

  // Null where it is not blocked. Whether it is over is not asked here.
  [[nodiscard]] const Block* of_site(std::string_view site) const;
  [[nodiscard]] const Block* of_script(std::string_view path) const;
  [[nodiscard]] const Block* of_user(std::uint32_t uid) const;
  // Each one whose network holds the address is given to `take`.
  template <class Take>
  void of_client(const IpAddress& address, Take take) const {
    for (const Block& block : list_) {
      if (block.subject.kind == BlockSubject::Kind::client && covers(block.subject, address)) {
        take(block);
      }
    }
  }

  // Ends with a digest of all before it. The same blocks in the same order are the same
  // bytes.
  [[nodiscard]] std::string encode() const;
  // That digest, a part of what encode() has made.
  static std::string_view digest_of(std::string_view encoded);
  // Fails on anything that encode() has not made, whole.
  static Result<Blocks> decode(std::string_view bytes);

 private:
  static bool covers(const BlockSubject& client, const IpAddress& address);
  void index();
  [[nodiscard]] const Block* find(const std::unordered_map<std::string, std::size_t>& in,
                                  std::string_view name) const;

  std::vector<Block> list_;
  std::unordered_map<std::string, std::size_t> sites_;
  std::unordered_map<std::string, std::size_t> scripts_;  // by both paths
  std::unordered_map<std::uint32_t, std::size_t> users_;
  std::array<std::size_t, 4> counts_{};  // by BlockSubject::Kind
};

}  // namespace mailorigin
