#include "core/mail/sendmail_options.h"

#include <utility>

namespace mailorigin {

namespace {

// Options that take a value for every program that knows them, in the same word
// or the next, and those of them whose value may be missing for one: then the
// next word may be a recipient.
constexpr std::string_view with_value = "ABCFLNORVXbefhopr";
constexpr std::string_view with_value_or_none = "beo";
// Options without one, for some program. Further options may follow in the same word.
constexpr std::string_view flags = "GIUcimnstvx";
// Those of them behind which Exim takes no further option: it refuses the word.
// What follows another, it takes for nothing.
constexpr std::string_view never_before_letters = "Icimstvx";

class OptionsReader {
 public:
  OptionsReader(std::span<const std::string> words, std::size_t administrators)
      : words_(words), administrators_(administrators) {}

  SendmailOptions read() {
    for (at_ = 0; at_ < words_.size(); at_++) {
      const std::string_view word = words_[at_];
      const bool option = word.size() > 1 && word.front() == '-';
      // A program that stops at the first word that is no option delivers to all
      // that follow. One that knows no end of options takes them for options. No
      // local user's name begins with a hyphen, as Postfix has it too.
      const bool recipients_turn = !option && previous_ != Takes::this_word;
      if (recipients_turn || options_ended_ || (stopped_ && may_be_address(word))) {
        recipient(word, recipients_turn && previous_ == Takes::nothing);
      }
      stopped_ = stopped_ || (recipients_turn && !of_administrator());
      takes_ = Takes::nothing;
      if (option) read_option(word);
      // What is a value itself for some program has none there.
      const bool sure = previous_ == Takes::nothing || !option;
      previous_ = sure || takes_ == Takes::nothing ? takes_ : Takes::perhaps_this_word;
    }
    return std::move(found_);
  }

 private:
  // What an option does to the word behind it.
  enum class Takes { nothing, perhaps_this_word, this_word };

  static bool may_be_address(std::string_view word) {
    return word.empty() || word.front() != '-' ||
           word.find_first_of("@%!") != std::string_view::npos;
  }

  [[nodiscard]] bool of_administrator() const { return at_ < administrators_; }

  void recipient(std::string_view word, bool sure) {
    if (of_administrator()) return;
    found_.recipients.push_back(word);
    found_.surely_names_recipient = found_.surely_names_recipient || sure;
  }

  void not_understood(std::string option) {
    if (!of_administrator()) found_.not_understood.push_back(std::move(option));
  }

  // The value that begins in this word or is the next one. A value that begins
  // with a hyphen is read as an option too: where one program has a value,
  // another has none.
  std::string_view value(std::string_view in_word, bool may_be_missing = false) {
    if (!in_word.empty()) return in_word;
    if (at_ + 1 == words_.size()) return {};
    takes_ = may_be_missing ? Takes::perhaps_this_word : Takes::this_word;
    return words_[at_ + 1];
  }

  void read_option(std::string_view word) {
    if (word == "--") {
      // One in the middle of the administrator's words ends another program's.
      if (at_ + 1 >= administrators_) options_ended_ = true;
    } else if (word.starts_with("--")) {
      read_long_option(word);
    } else {
      read_letters(word);
    }
  }

  // msmtp's; what is short for --from is that for it as well, and not understood.
  void read_long_option(std::string_view word) {
    constexpr std::string_view from = "--from";
    if (word == from) {
      found_.senders.push_back(value({}));
    } else if (word.starts_with("--from=")) {
      found_.senders.push_back(word.substr(from.size() + 1));
    } else if (word.starts_with("--read-e")) {
      found_.sender_from_header = true;
    } else {
      if (word.starts_with("--read")) found_.recipients_from_header = true;
      constexpr std::string_view of_names = "abcdefghijklmnopqrstuvwxyz-";
      not_understood(std::string(word.substr(0, word.find_first_not_of(of_names))));
    }
  }

  // Whether this word is an option, and nothing else, for every program.
  [[nodiscard]] bool is_surely_option() const {
    return previous_ == Takes::nothing && !options_ended_ && !stopped_;
  }

  void say_mode(char letter, bool sure) {
    const bool other = letter != (mode_said_ ? *found_.mode : 'm');
    if (other && (mode_said_ || !sure)) found_.mode_is_sure = false;
    found_.mode = letter;
    mode_said_ = true;
  }

  // As getopt() reads them, "-tif x" is -t -i -f x.
  void read_letters(std::string_view word) {
    bool known = true;
    bool for_all = true;  // that this letter is an option
    if (word == "-I") say_mode('i', is_surely_option());
    // Of a daemon it is how often; that is a mode of its own.
    if (word.starts_with("-q") && is_surely_option() && !mode_said_) found_.mode = 'q';
    for (std::size_t i = 1; i < word.size(); i++) {
      const std::string_view rest = word.substr(i + 1);
      if (with_value.find(word[i]) != std::string_view::npos) {
        const bool may_be_missing =
            !for_all || with_value_or_none.find(word[i]) != std::string_view::npos;
        const std::string_view found = value(rest, may_be_missing);
        if (word[i] == 'b') {
          say_mode(found.empty() ? 'm' : found.front(),
                   i == 1 && !rest.empty() && is_surely_option());
        }
        read_value(word[i], found);
        return;
      }
      const bool flag = flags.find(word[i]) != std::string_view::npos;
      if (word[i] == 't') found_.recipients_from_header = true;
      if (!flag && of_administrator()) return;  // it means its value by the rest
      if (known && !flag) {
        known = false;  // the rest may be its value, or the next word
        takes_ = Takes::perhaps_this_word;
        const bool printable = word[i] > ' ' && word[i] < 127;
        not_understood(std::string{'-', printable ? word[i] : '?'});
      }
      for_all = for_all && never_before_letters.find(word[i]) != std::string_view::npos;
    }
  }

  void read_value(char option, std::string_view value) {
    switch (option) {
      case 'f':
      case 'r':
        found_.senders.push_back(value);
        break;
      case 'b':
        if (value.starts_with('m')) break;
        if (value.starts_with('s') || value.starts_with('S')) found_.smtp_dialogue = true;
        not_understood("-b");
        break;
      case 'C':
        not_understood("-C");
        break;
      case 'F':
        if (value.find_first_of("\"<>@\\") != std::string_view::npos) not_understood("-F");
        break;
      case 'o':
        if (value.starts_with('M')) not_understood("-oM");  // sets a macro, or what Exim knows
        // Exim has these with a value of their own in the next word.
        if (value.find_first_of("ABMPXrs") == 0) takes_ = Takes::perhaps_this_word;
        break;
      default:
        break;
    }
  }

  std::span<const std::string> words_;
  std::size_t administrators_;
  std::size_t at_ = 0;
  Takes previous_ = Takes::nothing;
  Takes takes_ = Takes::nothing;
  bool options_ended_ = false;  // by --, for some programs
  bool stopped_ = false;        // at a recipient, for some
  bool mode_said_ = false;
  SendmailOptions found_;
};

}  // namespace

SendmailOptions read_sendmail_options(std::span<const std::string> words,
                                      std::size_t administrators) {
  return OptionsReader(words, administrators).read();
}

}  // namespace mailorigin
