// Any bytes as headers, addresses and parameters: a removed field is gone, and no
// piece between commas, which every mail server takes for one address, is lost.
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "core/mail/address_lexer.h"
#include "core/mail/facts.h"
#include "core/mail/header_block.h"
#include "core/mail/recipients.h"
#include "mailorigind/judging/senders.h"

using namespace mailorigin;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void check_list(std::string_view list) {
  std::size_t length = 0;
  AddressLexer lexer(list);
  while (const auto token = lexer.next()) length += token->text.size();
  require(length == list.size());
  require(count_addresses(list) <= list.size());
  const std::vector<std::string> domains = {"b", "*.b"};
  // Whatever belongs has an address, and loses that with another list behind it.
  if (daemon::envelope_belongs_to(list, domains) && list.find('@') != list.npos) {
    require(daemon::from_belongs_to(list, domains));
    require(count_addresses(list) > 0);
    require(!daemon::envelope_belongs_to(std::string(list) + ", ev@c", domains));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::string without = without_field(input, "X-Mail-Origin");
  require(field_value(without, "X-Mail-Origin").empty());
  require(without_field(without, "X-Mail-Origin") == without);
  check_list(input);

  std::vector<std::string> words(1);
  for (const char character : input) {
    character == ' ' ? void(words.emplace_back()) : void(words.back() += character);
  }
  const MailFacts facts = examine_mail({input, input, input, input}, words);
  require(facts.recipients <= 10 * size + 10);
  // No sender hides the ones behind it.
  words.insert(words.begin(), "-fev@c");
  words.push_back("-fev@c");
  const std::vector<std::string> domains = {"b"};
  require(!daemon::envelope_belongs_to(examine_mail({}, words).envelope_from, domains));
  return 0;
}
