#include "mailorigind/queueing/as_claimed.h"

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/mail/address_lexer.h"
#include "core/mail/recipients.h"
#include "core/name_values.h"
#include "mailorigind/judging/senders.h"

namespace mailorigin::daemon {

namespace {

using Addresses = std::vector<std::string>;

constexpr std::string_view null_sender = "<>";
constexpr std::string_view null_senders_from = "MAILER-DAEMON";  // Postfix's

// Each run of blanks as one, none at the ends.
std::string with_single_blanks(std::string_view text) {
  std::string single;
  bool blank = false;
  for (const char c : text) {
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
      blank = !single.empty();
    } else {
      if (std::exchange(blank, false)) single += ' ';
      single += c;
    }
  }
  return single;
}

// The senders of an envelope: addresses, the null sender, and whatever else there is between
// two commas, as it is written. Names of options that nobody understood (-C) are none.
Addresses envelope_senders(std::string_view list) {
  Addresses senders;
  const auto add = [&](std::string_view piece) {
    std::string text = with_single_blanks(piece);
    if (text.empty()) return;
    if (text.starts_with('-') && text.find('@') == std::string::npos) return;
    if (auto addresses = addresses_in(text)) {
      for (std::string& address : *addresses) senders.push_back(std::move(address));
    } else {
      senders.push_back(std::move(text));
    }
  };
  AddressLexer lexer(list);
  std::size_t begin = 0;
  std::size_t at = 0;
  while (const auto token = lexer.next()) {
    if (token->is(',')) {
      add(list.substr(begin, at - begin));
      begin = at + token->text.size();
    }
    at += token->text.size();
  }
  add(list.substr(begin));
  return senders;
}

class Comparison {
 public:
  explicit Comparison(const std::vector<std::string>& local_domains) : domains_(local_domains) {}

  [[nodiscard]] bool has(const Addresses& claimed, std::string_view seen) const {
    return std::any_of(claimed.begin(), claimed.end(),
                       [&](std::string_view each) { return becomes(each, seen); });
  }
  [[nodiscard]] bool has_all(const Addresses& claimed, const Addresses& seen) const {
    return std::all_of(seen.begin(), seen.end(),
                       [&](std::string_view each) { return has(claimed, each); });
  }
  [[nodiscard]] bool are_same(const Addresses& claimed, const Addresses& seen) const {
    return has_all(claimed, seen) &&
           std::all_of(claimed.begin(), claimed.end(), [&](std::string_view address) {
             return std::any_of(seen.begin(), seen.end(),
                                [&](std::string_view each) { return becomes(address, each); });
           });
  }

 private:
  // A name is given a domain.
  [[nodiscard]] bool becomes(std::string_view claimed, std::string_view seen) const {
    if (claimed == seen) return true;
    if (claimed.find('@') != std::string_view::npos || !seen.starts_with(claimed)) return false;
    seen.remove_prefix(claimed.size());
    return seen.starts_with('@') &&
           std::find(domains_.begin(), domains_.end(), seen.substr(1)) != domains_.end();
  }

  const std::vector<std::string>& domains_;
};

bool from_is_as_claimed(const Event& claimed, const Event& seen, const Addresses& envelope,
                        const Comparison& comparison) {
  const std::string& given = claimed.get(Field::from);
  const std::string& there = seen.get(Field::from);
  if (with_single_blanks(given) == with_single_blanks(there)) return true;
  if (given.empty() && there == null_senders_from && comparison.has(envelope, null_sender)) {
    return true;
  }
  const auto addresses = plain_addresses(there);
  if (!addresses) return false;
  if (given.empty()) return comparison.has_all(envelope, *addresses);
  const auto given_addresses = addresses_in(given);
  return given_addresses && comparison.are_same(*given_addresses, *addresses);
}

std::uint64_t recipients(const Event& event) {
  return parse_number(event.get(Field::recipients)).value_or(0);
}

}  // namespace

bool is_as_claimed(const Event& claimed, const Event& seen, const Completion& completion) {
  for (const Field field : {Field::from, Field::envelope_from}) {
    if (!is_whole(claimed, field) || !is_whole(seen, field)) return false;
  }
  if (recipients(seen) > recipients(claimed)) return false;
  const Comparison comparison(completion.domains);
  Addresses envelope = envelope_senders(claimed.get(Field::envelope_from));
  if (!completion.account.empty()) envelope.emplace_back(completion.account);
  return comparison.has_all(envelope, envelope_senders(seen.get(Field::envelope_from))) &&
         from_is_as_claimed(claimed, seen, envelope, comparison);
}

}  // namespace mailorigin::daemon
