// The tokens of an address list as RFC 5322, 3.2 has them, read from hostile bytes.
//
// Whoever counts recipients and whoever judges senders reads these, so that no
// address hides between two readings. Encoded words are atoms like any other:
// a mail server decodes none before it finds the addresses.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mailorigin {

struct AddressToken {
  enum class Kind {
    blank,    // spaces, tabs and folds
    comment,  // (…), with those inside it
    quoted,   // "…"
    literal,  // […]
    atom,     // a run of atext; bytes above 127 count as such (RFC 6532)
    special,  // one of < > @ , ; : .
    stray,    // what no well-formed list has: a control character, a backslash, ) or ]
              // outside, or all from a quote, comment or bracket on that does not close
  };

  Kind kind = Kind::stray;
  std::string_view text;

  [[nodiscard]] bool is(char character) const {
    return kind == Kind::special && text.front() == character;
  }
};

// Takes time linear in the list's length.
class AddressLexer {
 public:
  explicit AddressLexer(std::string_view list) : rest_(list) {}

  std::optional<AddressToken> next();

 private:
  AddressToken take(AddressToken::Kind kind, std::size_t length);

  std::string_view rest_;
};

// Whether every quote, comment and bracket in the list closes: put before another,
// it hides nothing of that one.
bool is_closed(std::string_view list);

}  // namespace mailorigin
