// What a file's content has that dropped files have. Signs, no verdict: what is meant well has
// some of them, too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "investigating/php_tokens.h"

namespace mailorigin::investigating {

class CodeSigns {
 public:
  CodeSigns();
  CodeSigns(const CodeSigns&) = delete;
  CodeSigns& operator=(const CodeSigns&) = delete;

  // The content, in pieces.
  void add(std::string_view bytes);
  void finish();

  // After finish().
  [[nodiscard]] bool is_code() const { return tokens_.any_code() || begins_.starts_with("#!"); }
  [[nodiscard]] bool is_image() const;  // by its first bytes
  // Their words: eval-decoded, runs-request, long-line, no-newlines, obfuscated-names.
  [[nodiscard]] std::vector<std::string> words() const;

 private:
  using Kind = PhpToken::Kind;
  void read(const PhpToken& token);
  void begin_call();
  void end_call();
  void read_name(const PhpToken& token);
  void read_variable(std::string_view name);
  void end_statement();
  void add_lines(std::string_view bytes);

  PhpTokens tokens_;
  std::string begins_;
  std::uint64_t size_ = 0, newlines_ = 0, line_ = 0, longest_line_ = 0;

  // The tokens before, and what is known of the statement so far.
  Kind last_kind_ = Kind::sign;
  std::string last_ = ";", before_last_;
  bool names_function_ = false;  // this token: a name, and no method's
  bool last_is_function_ = false;
  bool last_is_request_ = false;  // $_POST, or a part of it
  std::size_t subscripts_ = 0;
  std::string assigned_;
  bool decodes_ = false, asks_request_ = false;
  bool includes_ = false;
  // Open parentheses: what of them runs what is in it.
  enum class Runs : std::uint8_t { nothing, code, commands };
  std::vector<Runs> open_;
  std::size_t unseen_open_ = 0;  // beyond the limit
  std::size_t runs_code_ = 0, runs_commands_ = 0;
  std::set<std::string, std::less<>> decoded_, requested_;  // variables

  bool eval_decoded_ = false, runs_request_ = false;
  std::size_t odd_names_ = 0, escapes_ = 0, jumps_ = 0;
};

}  // namespace mailorigin::investigating
