#include "core/mail.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

namespace mailorigin {

namespace {

bool is_blank(char character) { return character == ' ' || character == '\t'; }

char lower(char character) {
  return character >= 'A' && character <= 'Z' ? static_cast<char>(character - 'A' + 'a')
                                              : character;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

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
    const std::string_view first = field.whole.substr(0, line_length(field.whole));
    const std::size_t colon = first.find(':');
    if (colon != std::string_view::npos) {
      field.name = first.substr(0, colon);
      while (!field.name.empty() && is_blank(field.name.back())) field.name.remove_suffix(1);
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

constexpr std::array<std::string_view, 6> recipient_fields = {
    "To", "Cc", "Bcc", "Resent-To", "Resent-Cc", "Resent-Bcc"};

// Splits as a shell would: PHP passes the parameters through escapeshellcmd(),
// so quotes and backslashes are the only syntax that reaches the shell.
std::vector<std::string> split_parameters(std::string_view parameters) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (std::size_t i = 0; i < parameters.size(); i++) {
    const char character = parameters[i];
    if (quote != 0) {
      if (character == quote) {
        quote = 0;
      } else if (character == '\\' && quote == '"' && i + 1 < parameters.size()) {
        word += parameters[++i];
      } else {
        word += character;
      }
    } else if (character == '\'' || character == '"') {
      quote = character;
      in_word = true;
    } else if (character == '\\' && i + 1 < parameters.size()) {
      word += parameters[++i];
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

// sendmail's options that take a value, in the same word or the next
// (Postfix sendmail(1), Exim and Sendmail 8 agree on these).
constexpr std::string_view options_with_value = "ABCDFLNOQRVXbdfhopqr";

void examine_parameters(std::string_view parameters, MailFacts& facts) {
  const std::vector<std::string> words = split_parameters(parameters);
  bool options = true;
  for (std::size_t i = 0; i < words.size(); i++) {
    const std::string_view word = words[i];
    if (!options || word.size() < 2 || word[0] != '-') {
      facts.recipients += count_addresses(word);
    } else if (word == "--") {
      options = false;
    } else if (word.starts_with("--from=")) {  // msmtp
      facts.envelope_from = word.substr(7);
    } else if (options_with_value.find(word[1]) != std::string_view::npos) {
      std::string_view value = word.substr(2);
      // -b, -d, -q and the like have their value in the same word or none.
      const bool may_follow =
          std::string_view("ABCFLNORVXfhpr").find(word[1]) != std::string_view::npos;
      if (value.empty() && may_follow && i + 1 < words.size()) value = words[++i];
      if (word[1] == 'f' || word[1] == 'r') facts.envelope_from = value;
    }
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
  bool something = false;  // since the last separator
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
    }
  }
  if (quoted || angle || comment > 0) {
    // Malformed: mail servers differ in what they make of it, so nothing may hide in it.
    return static_cast<std::uint64_t>(std::count(list.begin(), list.end(), ',')) + 1;
  }
  return count + (something ? 1 : 0);
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
