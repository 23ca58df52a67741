#include "core/mail/recipients.h"

#include <algorithm>
#include <utility>

#include "core/mail/address_lexer.h"
#include "core/sha256.h"
#include "core/text.h"

namespace mailorigin {

namespace {

using Kind = AddressToken::Kind;

// Reads a well-formed list. Comments and blanks may stand between any two tokens
// and mean nothing.
class WellFormedList {
 public:
  explicit WellFormedList(std::string_view list) : lexer_(list) { advance(); }

  // Nothing if the list is not well-formed.
  std::optional<std::vector<std::string>> addresses() {
    do {
      if (!address()) return std::nullopt;
    } while (take(','));
    if (token_ || in_group_) return std::nullopt;
    return std::move(found_);
  }

 private:
  void advance() {
    do {
      token_ = lexer_.next();
    } while (token_ && (token_->kind == Kind::blank || token_->kind == Kind::comment));
  }

  [[nodiscard]] bool at(Kind kind) const { return token_ && token_->kind == kind; }

  bool take(char special) {
    if (!token_ || !token_->is(special)) return false;
    advance();
    return true;
  }

  // Words before what says what they are: a local part, or the name of a mailbox
  // or a group.
  struct Words {
    std::string text{};
    bool any = false;
    bool local_part = true;  // words with a dot between each two
    bool mailbox_name = false;
  };

  bool words(Words& read) {
    bool after_word = false;
    for (; token_; advance()) {
      if (!at(Kind::special) || token_->is('.')) read.text += token_->text;
      if (at(Kind::atom) || at(Kind::quoted)) {
        if (after_word) read.local_part = false;
        after_word = read.any = true;
      } else if (at(Kind::literal)) {
        // "[Shop] <me@shop.example>" is what scripts write.
        if (token_->text.find_first_of("\"(),:;<>@\\") != std::string_view::npos) return false;
        read.mailbox_name = true;
      } else if (token_->is('.')) {
        if (!after_word) read.local_part = false;
        after_word = false;
        read.any = true;
      } else {
        break;
      }
    }
    read.local_part = read.local_part && after_word && !read.mailbox_name;
    return true;
  }

  // Appended to `address`.
  bool domain(std::string& address) {
    address += '@';
    if (at(Kind::literal)) return address += lower_case(token_->text), advance(), true;
    for (;;) {
      if (!at(Kind::atom)) return false;
      address += lower_case(token_->text);
      advance();
      if (!take('.')) return true;
      address += '.';
    }
  }

  bool address_in_angles() {
    Words local;
    if (!words(local) || !local.local_part) return false;
    if (take('@') && !domain(local.text)) return false;
    found_.push_back(std::move(local.text));
    return take('>');
  }

  // Up to the comma or the end. Between commas there may be nothing (obs-addr-list).
  bool address() {
    Words read;
    if (!words(read)) return false;
    if (take(':')) {
      if (in_group_ || !read.any || read.mailbox_name) return false;
      in_group_ = true;
      return address();
    }
    if (take('<')) {
      if (!address_in_angles()) return false;
    } else if (take('@')) {
      if (!read.local_part || !domain(read.text)) return false;
      found_.push_back(std::move(read.text));
    } else if (read.any || read.mailbox_name) {
      if (!read.local_part) return false;
      found_.push_back(std::move(read.text));
    }
    if (in_group_ && take(';')) in_group_ = false;
    return !token_ || token_->is(',');
  }

  AddressLexer lexer_;
  std::optional<AddressToken> token_;
  std::vector<std::string> found_;
  bool in_group_ = false;
};

// Never fewer than the most generous reader finds: whatever may separate does,
// inside quotes and comments too, and every piece is an address, or as many as
// it has signs between a name and a domain (@, and % and ! of old).
std::uint64_t most_addresses(std::string_view list) {
  std::uint64_t count = 0;
  std::uint64_t signs = 0;
  bool piece = false;
  bool inside = false;  // angle brackets
  bool angle = false;   // open, with nothing behind it yet
  const auto end_piece = [&] {
    if (piece) count += std::max<std::uint64_t>(signs, 1);
    signs = 0;
    piece = false;
  };
  const auto is_one_of = [](char character, std::string_view set) {
    return set.find(character) != std::string_view::npos;
  };
  for (const char character : list) {
    const bool control = static_cast<unsigned char>(character) < ' ' || character == 127;
    if (is_one_of(character, " \t\r\n,;:<>(")) {
      const bool colon_alone = character == ':' && !piece;  // is a name itself to Postfix
      end_piece();
      // <> is the postmaster.
      if (angle && is_one_of(character, "<>")) count++;
      angle = character == '<' || (angle && character != '>');
      piece = colon_alone || (character == '>' && !inside);
      inside = character == '<' || (inside && character != '>');
    } else {
      // Some end an atom, and are or begin a word themselves.
      if (control || is_one_of(character, "\")[]\\")) end_piece();
      piece = true;
      angle = false;
      if (is_one_of(character, "@%!")) signs++;
    }
  }
  end_piece();
  return count + (angle ? 1 : 0);
}

}  // namespace

std::uint64_t count_addresses(std::string_view list) {
  const auto addresses = addresses_in(list);
  return addresses ? addresses->size() : most_addresses(list);
}

std::optional<std::vector<std::string>> addresses_in(std::string_view list) {
  return WellFormedList(list).addresses();
}

void RecipientSet::add(std::string_view list) {
  if (auto addresses = addresses_in(list)) {
    for (std::string& address : *addresses) members_.push_back(std::move(address));
    return;
  }
  std::string whole(1, ' ');  // which no address begins with
  for (const char character : list) {
    if (static_cast<unsigned char>(character) > ' ' && character != 127) whole += character;
  }
  members_.push_back(std::move(whole));
}

RecipientDigest RecipientSet::digest() {
  std::sort(members_.begin(), members_.end());
  members_.erase(std::unique(members_.begin(), members_.end()), members_.end());
  Sha256 hash;
  for (const std::string& member : members_) {
    hash.add(member);
    hash.add("\n");
  }
  RecipientDigest digest;
  const Sha256::Digest whole = hash.finish();
  std::copy_n(whole.begin(), digest.size(), digest.begin());
  return digest;
}

}  // namespace mailorigin
