#include "core/mail.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "core/text.h"

namespace mailorigin {

namespace {

bool is_blank(char character) { return character == ' ' || character == '\t'; }

// The length of a line with its end.
std::size_t line_length(std::string_view text) {
  const std::size_t end = text.find_first_of("\r\n");
  if (end == std::string_view::npos) return text.size();
  return end + (text.substr(end).starts_with("\r\n") ? 2 : 1);
}

// Walks the fields of a header block: field by field with continuation lines.
class FieldWalk {
 public:
  explicit FieldWalk(std::string_view headers) : rest_(headers) {}

  struct Field {
    std::string_view whole;  // with line ends
    std::string_view name;   // empty where there is no colon
    std::string_view body;   // after the colon, with folds and line ends
  };

  std::optional<Field> next() {
    if (rest_.empty()) return std::nullopt;
    std::size_t length = line_length(rest_);
    while (length < rest_.size() && is_blank(rest_[length])) {
      length += line_length(rest_.substr(length));
    }
    Field field;
    field.whole = rest_.substr(0, length);
    rest_.remove_prefix(length);
    // Some readers unfold first, and find the colon on a continuation line.
    const std::size_t colon = field.whole.find(':');
    if (colon != std::string_view::npos) {
      field.name = field.whole.substr(0, colon);
      field.name = field.name.substr(0, field.name.find_last_not_of(" \t\r\n") + 1);
      field.body = field.whole.substr(colon + 1);
    }
    return field;
  }

 private:
  std::string_view rest_;
};

std::string unfolded(std::string_view body) {
  std::string out;
  for (const char character : body) {
    if (character != '\r' && character != '\n') out += character;
  }
  const auto first = out.find_first_not_of(" \t");
  if (first == std::string::npos) return {};
  return out.substr(first, out.find_last_not_of(" \t") - first + 1);
}

constexpr std::array<std::string_view, 7> recipient_fields = {
    "To", "Cc", "Bcc", "Resent-To", "Resent-Cc", "Resent-Bcc", "Apparently-To"};

// Splits as a POSIX shell does where only quotes and backslashes are syntax: PHP
// has escaped everything else.
std::vector<std::string> split_parameters(std::string_view parameters) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (std::size_t i = 0; i < parameters.size(); i++) {
    const char character = parameters[i];
    const bool escapes = character == '\\' && quote != '\'' && i + 1 < parameters.size();
    if (escapes && parameters[i + 1] == '\n') {
      i++;  // a line that goes on
    } else if (escapes) {
      word += parameters[++i];
      in_word = true;
    } else if (quote != 0) {
      if (character == quote) {
        quote = 0;
      } else {
        word += character;
      }
    } else if (character == '\'' || character == '"') {
      quote = character;
      in_word = true;
    } else if (is_blank(character) || character == '\n') {
      if (in_word) words.push_back(std::move(word));
      word.clear();
      in_word = false;
    } else {
      word += character;
      in_word = true;
    }
  }
  if (in_word) words.push_back(std::move(word));
  return words;
}

void add_to_list(std::string& list, std::string_view address) {
  if (!list.empty()) list += ", ";
  list += address.empty() ? "<>" : address;
}

// sendmail's options that take a value, in the same word or the next (Postfix
// sendmail(1), Exim and Sendmail 8), and those of them whose value may be
// missing: then the next word is a recipient.
constexpr std::string_view options_with_value = "ABCDFLNOQRVXbdefhopqr";
constexpr std::string_view options_with_value_or_none = "bdeoq";

void examine_parameters(std::string_view parameters, MailFacts& facts) {
  const std::vector<std::string> words = split_parameters(parameters);
  bool options = true;
  for (std::size_t i = 0; i < words.size(); i++) {
    const std::string_view word = words[i];
    if (!options || word.size() < 2 || word[0] != '-') {
      facts.recipients += count_addresses(word);
      continue;
    }
    if (word.starts_with("--")) {
      options = word != "--";
      if (word.starts_with("--from=")) add_to_list(facts.envelope_from, word.substr(7));  // msmtp
      continue;
    }
    // As getopt() reads it, "-tif x" is -t -i -f x.
    const std::size_t at = word.find_first_of(options_with_value, 1);
    if (at == std::string_view::npos) continue;
    std::string_view value = word.substr(at + 1);
    const bool follows = value.empty() && i + 1 < words.size();
    if (word[at] == 'f' || word[at] == 'r') {
      add_to_list(facts.envelope_from, follows ? words[i + 1] : value);
    }
    if (follows && options_with_value_or_none.find(word[at]) == std::string_view::npos) i++;
  }
}

}  // namespace

std::string without_field(std::string_view headers, std::string_view name) {
  std::string out;
  FieldWalk walk(headers);
  while (const auto field = walk.next()) {
    if (!equal_ignoring_case(field->name, name)) out += field->whole;
  }
  return out;
}

std::string field_value(std::string_view headers, std::string_view name) {
  FieldWalk walk(headers);
  while (const auto field = walk.next()) {
    if (equal_ignoring_case(field->name, name)) return unfolded(field->body);
  }
  return {};
}

std::uint64_t count_addresses(std::string_view list) {
  std::uint64_t count = 0;
  std::uint64_t at_signs = 0;  // outside quotes, comments and angle brackets
  bool something = false;      // since the last separator
  int comment = 0;
  bool quoted = false;
  bool angle = false;
  for (std::size_t i = 0; i < list.size(); i++) {
    const char character = list[i];
    if (character == '\\' && (quoted || comment > 0)) {
      i++;
    } else if (quoted) {
      quoted = character != '"';
    } else if (comment > 0 || character == '(') {
      comment += character == '(' ? 1 : character == ')' ? -1 : 0;
    } else if (character == '"') {
      quoted = something = true;
    } else if (angle) {
      angle = character != '>';
    } else if (character == '<') {
      angle = something = true;
    } else if (character == ',' || character == ';') {
      count += something ? 1 : 0;
      something = false;
    } else if (character == ':') {
      something = false;  // a group's name; IPv6 literals stand in angle brackets or after an @
    } else if (!is_blank(character) && character != '\r' && character != '\n') {
      something = true;
      at_signs += character == '@' ? 1 : 0;
    }
  }
  // Some mail servers take addresses that only blanks separate.
  count += something ? 1 : 0;
  if (quoted || angle || comment > 0) {
    // Malformed: mail servers differ in what they make of it, so nothing may hide in it.
    return static_cast<std::uint64_t>(std::count(list.begin(), list.end(), ',')) + 1;
  }
  return std::max(count, at_signs);
}

MailFacts examine_mail(std::string_view to, std::string_view headers, std::string_view parameters) {
  MailFacts facts;
  facts.recipients = count_addresses(to);
  FieldWalk walk(headers);
  while (const auto field = walk.next()) {
    for (const std::string_view name : recipient_fields) {
      if (equal_ignoring_case(field->name, name)) facts.recipients += count_addresses(field->body);
    }
    if (equal_ignoring_case(field->name, "From")) {
      if (!facts.from.empty()) facts.from += ", ";
      facts.from += unfolded(field->body);
    } else if (facts.message_id.empty() && equal_ignoring_case(field->name, "Message-ID")) {
      facts.message_id = unfolded(field->body);
    }
  }
  examine_parameters(parameters, facts);
  return facts;
}

}  // namespace mailorigin
