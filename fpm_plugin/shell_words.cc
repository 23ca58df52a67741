#include "fpm_plugin/shell_words.h"

#include <utility>

namespace mailorigin::php {

namespace {

bool is_one_of(char character, std::string_view set) {
  return set.find(character) != std::string_view::npos;
}

}  // namespace

std::vector<std::string> shell_words(std::string_view command) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  const auto add = [&](char character) {
    word += character;
    in_word = true;
  };
  for (std::size_t i = 0; i < command.size(); i++) {
    const char character = command[i];
    const char next = i + 1 < command.size() ? command[i + 1] : '\0';
    const bool escapes = character == '\\' && i + 1 < command.size() &&
                         (quote == 0 || (quote == '"' && is_one_of(next, "$`\"\\\n")));
    if (escapes) {
      i++;
      if (next != '\n') add(next);  // else the line goes on
    } else if (quote != 0) {
      if (character == quote) {
        quote = 0;
      } else {
        add(character);
      }
    } else if (is_one_of(character, "'\"")) {
      quote = character;
      in_word = true;
    } else if (is_one_of(character, " \t\n;&|<>()")) {
      if (in_word) words.push_back(std::move(word));
      word.clear();
      in_word = false;
    } else {
      add(character);
    }
  }
  if (in_word) words.push_back(std::move(word));
  return words;
}

}  // namespace mailorigin::php
