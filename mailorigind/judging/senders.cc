#include "mailorigind/judging/senders.h"

#include <fnmatch.h>

#include <algorithm>
#include <optional>

#include "core/mail/address_lexer.h"
#include "core/mail/addresses.h"
#include "core/mail/recipients.h"

namespace mailorigin::daemon {

namespace {

using Kind = AddressToken::Kind;

bool has_any_of(std::string_view text, std::string_view characters) {
  return text.find_first_of(characters) != std::string_view::npos;
}

// Bytes above 127 are a domain's in UTF-8, compared as they are.
bool is_domain_label(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || static_cast<unsigned char>(c) > 127;
  });
}

// Reads a list token by token. Inside a mailbox there are neither blanks nor
// comments, or one reader joins what another separates.
class SenderList {
 public:
  SenderList(std::string_view list, const std::vector<std::string>& domains, bool groups)
      : lexer_(list), domains_(domains), groups_(groups) {
    advance();
  }

  bool belongs() {
    bool any = false;
    do {
      if (!between_commas()) return false;
      any = any || mailbox_;
    } while (take(','));
    return !token_ && any;
  }

 private:
  enum class Piece { word, mailbox, wrong };
  enum class Part { nothing, words, mailbox, named_mailbox };

  void advance() { token_ = lexer_.next(); }

  [[nodiscard]] bool at(Kind kind) const { return token_ && token_->kind == kind; }
  [[nodiscard]] bool at(char special) const { return token_ && token_->is(special); }

  bool take(char special) {
    if (!at(special)) return false;
    advance();
    return true;
  }

  // A mailbox and what belongs to it, or nothing.
  bool between_commas() {
    mailbox_ = false;
    bool group = false;
    bool name = false;  // of a mailbox in angle brackets to come
    for (;;) {
      if (!part()) return false;
      if (name && part_is_ == Part::mailbox) return false;
      if (part_is_ == Part::words && mailbox_) return false;
      name = part_is_ == Part::words || (name && part_is_ == Part::nothing);
      mailbox_ = mailbox_ || part_is_ == Part::mailbox || part_is_ == Part::named_mailbox;
      if (groups_ && at(':')) {
        if (group || part_is_ != Part::words) return false;
        group = true;
        name = false;
      } else if (!groups_ || !at(';')) {
        break;
      }
      advance();
    }
    return !name && (mailbox_ || !group);
  }

  // One mailbox, or words: a group's name, or what a name has before a semicolon.
  bool part() {
    routed_ = false;
    bool words = false;
    unsigned mailboxes = 0;
    while (token_) {
      if (at(Kind::blank)) {
        advance();
      } else if (at(Kind::comment)) {
        if (!plain_comment()) return false;
      } else if (at(Kind::literal)) {
        if (has_any_of(token_->text, "\"(),:;<>@\\")) return false;
        words = true;
        advance();
      } else if (at(Kind::atom) || at(Kind::quoted) || at('.')) {
        const Piece piece = word_or_mailbox();
        if (piece == Piece::wrong) return false;
        piece == Piece::mailbox ? void(mailboxes++) : void(words = true);
      } else if (take('<')) {
        part_is_ = Part::named_mailbox;
        return in_angles();
      } else {
        break;
      }
    }
    part_is_ = mailboxes > 0 ? Part::mailbox : words ? Part::words : Part::nothing;
    return mailboxes == 0 ? !routed_ : mailboxes == 1 && !words;
  }

  // Readers differ in what a quote, a backslash or a comment is within a comment.
  bool plain_comment() {
    if (has_any_of(token_->text.substr(1), "(\"\\")) return false;
    advance();
    return true;
  }

  // Behind the opening one, and up to the next separator.
  bool in_angles() {
    if (at(Kind::blank)) advance();
    if (!at(Kind::atom) && !at(Kind::quoted) && !at('.')) return false;
    if (word_or_mailbox() != Piece::mailbox) return false;
    if (at(Kind::blank)) advance();
    if (!take('>')) return false;
    while (token_) {
      if (at(Kind::blank)) {
        advance();
      } else if (!at(Kind::comment)) {
        break;
      } else if (!plain_comment()) {
        return false;
      }
    }
    return !token_ || at(',') || (groups_ && at(';'));
  }

  // Words that touch, and a domain where an @ touches them.
  Piece word_or_mailbox() {
    std::size_t tokens = 0;
    bool quoted = false;
    bool routed = false;
    for (; at(Kind::atom) || at(Kind::quoted) || at('.'); advance()) {
      tokens++;
      quoted = quoted || at(Kind::quoted);
      routed = routed || (at(Kind::atom) && has_any_of(token_->text, "%!"));
    }
    routed_ = routed_ || routed;
    if (!take('@')) return Piece::word;
    if (routed || (quoted && tokens > 1) || !domain()) return Piece::wrong;
    const bool touched = at(Kind::atom) || at(Kind::quoted) || at(Kind::literal) || at('@');
    return touched ? Piece::wrong : Piece::mailbox;
  }

  // Whether the domain that begins here is one of ours.
  bool domain() {
    std::string name;
    bool after_label = false;
    for (;; advance()) {
      if (at(Kind::atom)) {
        if (!is_domain_label(token_->text)) return false;
      } else if (!at('.') || !after_label) {
        break;
      }
      after_label = at(Kind::atom);
      for (const char c : token_->text) {
        name += c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
      }
    }
    if (!name.empty() && name.back() == '.') name.pop_back();
    return !name.empty() &&
           std::any_of(domains_.begin(), domains_.end(), [&](const std::string& allowed) {
             return fnmatch(allowed.c_str(), name.c_str(), FNM_NOESCAPE) == 0;
           });
  }

  AddressLexer lexer_;
  std::optional<AddressToken> token_;
  const std::vector<std::string>& domains_;
  bool groups_;
  bool mailbox_ = false;  // since the comma
  Part part_is_ = Part::nothing;
  bool routed_ = false;  // since the comma, semicolon or colon: one has % or !, which for some mail
                         // servers lead to another host
};

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace

bool from_belongs_to(std::string_view list, const std::vector<std::string>& domains) {
  return is_blank(list) || SenderList(list, domains, true).belongs();
}

bool envelope_belongs_to(std::string_view list, const std::vector<std::string>& domains) {
  return is_blank(list) || SenderList(list, domains, false).belongs();
}

std::optional<std::vector<std::string>> plain_addresses(std::string_view list) {
  auto addresses = addresses_in(list);
  if (!addresses) return std::nullopt;
  std::vector<std::string> domains;
  for (const std::string& address : *addresses) domains.emplace_back(domain_of(address));
  if (!from_belongs_to(list, domains)) return std::nullopt;
  return addresses;
}

bool is_completion(std::string_view list, const Completion& completion) {
  const auto addresses = plain_addresses(list);
  if (!addresses || addresses->size() != 1 || completion.account.empty()) return false;
  const std::string_view address = addresses->front();
  const std::string_view domain = domain_of(address);
  return address.substr(0, address.size() - domain.size()) ==
             std::string(completion.account) + '@' &&
         std::find(completion.domains.begin(), completion.domains.end(), domain) !=
             completion.domains.end();
}

bool is_whole(const Event& event, Field field) {
  constexpr std::size_t longest_character = 4;
  return event.get(field).size() + longest_character <= info(field).limit;
}

}  // namespace mailorigin::daemon
