#include "core/mail/addresses.h"

#include <algorithm>
#include <utility>

#include "core/mail/address_lexer.h"
#include "core/mail/header_block.h"
#include "core/text.h"

namespace mailorigin {

namespace {

using Kind = AddressToken::Kind;

constexpr std::string_view recipient_fields[] = {"To",        "Cc",        "Bcc",
                                                 "Resent-To", "Resent-Cc", "Resent-Bcc"};

void lower(std::string& text, std::size_t from) {
  for (std::size_t i = from; i < text.size(); i++) {
    if (text[i] >= 'A' && text[i] <= 'Z') text[i] = static_cast<char>(text[i] - 'A' + 'a');
  }
}

class Collector {
 public:
  Collector(std::vector<std::string>& found, std::size_t most) : found_(found), most_(most) {}

  void read(std::string_view list) {
    AddressLexer lexer(list);
    while (found_.size() < most_) {
      const auto token = lexer.next();
      if (!token) break;
      take(*token);
    }
    finish();
  }

 private:
  void take(const AddressToken& token) {
    if (token.kind == Kind::blank || token.kind == Kind::comment) {
      apart_ = true;
    } else if (token.is('<')) {
      current_.clear();  // the display name
      several_words_ = false;
    } else if (token.is('>') || token.is(',') || token.is(';')) {
      finish();
    } else if (token.is(':')) {
      current_.clear();  // a group's name, or a route
    } else if (token.kind == Kind::stray) {
      finish();
    } else {
      add_word(token);
    }
  }

  void add_word(const AddressToken& token) {
    const bool joins =
        token.is('@') || token.is('.') || current_.ends_with('@') || current_.ends_with('.');
    if (apart_ && !joins) {
      // Two words: a name, unless the first one is an address already.
      if (current_.find('@') != std::string::npos) finish();
      several_words_ = several_words_ || !current_.empty();
      current_.clear();
    }
    apart_ = false;
    current_ += token.text;
  }

  void finish() {
    std::string address = std::move(current_);
    const bool words = several_words_;
    current_.clear();
    apart_ = several_words_ = false;
    const std::size_t at = address.rfind('@');
    if (address.empty() || address.size() > address_limit) return;
    if (at == std::string::npos ? words : at == 0 || at + 1 == address.size()) return;
    lower(address, at == std::string::npos ? 0 : at);
    if (std::find(found_.begin(), found_.end(), address) == found_.end()) {
      found_.push_back(std::move(address));
    }
  }

  std::vector<std::string>& found_;
  const std::size_t most_;
  std::string current_;
  bool apart_ = false;          // a blank or comment stands behind current_
  bool several_words_ = false;  // a name that no angle bracket has followed yet
};

}  // namespace

std::vector<std::string> addresses_in(std::string_view list, std::size_t most) {
  std::vector<std::string> found;
  Collector(found, most).read(list);
  return found;
}

std::string_view domain_of(std::string_view address) {
  const std::size_t at = address.rfind('@');
  return at == std::string_view::npos ? std::string_view() : address.substr(at + 1);
}

std::vector<std::string> recipient_addresses(std::string_view to, std::string_view headers,
                                             std::size_t most) {
  std::vector<std::string> found;
  Collector collector(found, most);
  collector.read(to);
  HeaderBlock fields(headers, HeaderBlock::Lines::ended_by_lf);
  while (const auto field = fields.next()) {
    if (std::any_of(std::begin(recipient_fields), std::end(recipient_fields),
                    [&](std::string_view name) { return equal_ignoring_case(field->name, name); }))
      collector.read(unfolded(field->body));
  }
  return found;
}

}  // namespace mailorigin
