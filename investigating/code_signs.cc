#include "investigating/code_signs.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

#include "core/text.h"

namespace mailorigin::investigating {

namespace {

constexpr std::uint64_t long_line = 4096;      // bytes
constexpr std::uint64_t few_lines_from = 512;  // bytes of a file
constexpr std::size_t many_odd_names = 3;
constexpr std::size_t many_escapes = 32;
constexpr std::size_t many_jumps = 5;
constexpr std::size_t depth_limit = 1000;
constexpr std::size_t variables_limit = 256;

constexpr std::string_view decoders[] = {
    "base64_decode", "gzinflate",       "gzuncompress", "gzdecode",     "str_rot13",
    "strrev",        "hex2bin",         "rawurldecode", "urldecode",    "convert_uudecode",
    "pack",          "openssl_decrypt", "chr",          "bzdecompress", "zlib_decode"};
constexpr std::string_view evaluators[] = {"eval", "assert", "create_function"};
constexpr std::string_view commands[] = {"system",    "exec",  "shell_exec", "passthru",
                                         "proc_open", "popen", "pcntl_exec"};
constexpr std::string_view includers[] = {"include", "include_once", "require", "require_once"};
constexpr std::string_view request_variables[] = {"_GET",    "_POST",  "_REQUEST",
                                                  "_COOKIE", "_FILES", "HTTP_RAW_POST_DATA"};

template <class List>
bool has(const List& list, std::string_view word) {
  return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

// $O0OO0, $lIl1, $_0x3fa2, and bytes that are no characters.
bool is_odd(std::string_view name) {
  const auto only = [&](std::string_view letters) {
    return name.find_first_not_of(letters) == std::string_view::npos;
  };
  if (name.size() >= 4 && (only("O0o_") || only("Il1_"))) return true;
  if (name.size() >= 4 && name.starts_with("_0x")) return true;
  while (!name.empty()) {
    const std::size_t length = utf8_character(name);
    if (length == 0) return true;
    name.remove_prefix(length);
  }
  return false;
}

}  // namespace

CodeSigns::CodeSigns() : tokens_([this](const PhpToken& token) { read(token); }) {}

void CodeSigns::add(std::string_view bytes) {
  constexpr std::size_t head = 16;
  if (begins_.size() < head) begins_ += bytes.substr(0, head - begins_.size());
  add_lines(bytes);
  tokens_.add(bytes);
}

void CodeSigns::add_lines(std::string_view bytes) {
  size_ += bytes.size();
  for (;;) {
    const std::size_t end = bytes.find('\n');
    line_ += std::min(end, bytes.size());
    longest_line_ = std::max(longest_line_, line_);
    if (end == std::string_view::npos) return;
    newlines_++;
    line_ = 0;
    bytes.remove_prefix(end + 1);
  }
}

void CodeSigns::finish() {
  tokens_.finish();
  end_statement();
}

bool CodeSigns::is_image() const {
  for (const std::string_view magic :
       {std::string_view("GIF8"), std::string_view("\xff\xd8\xff"), std::string_view("\x89PNG"),
        std::string_view("BM"), std::string_view("\0\0\1\0", 4)}) {
    if (begins_.starts_with(magic)) return true;
  }
  return begins_.starts_with("RIFF") && std::string_view(begins_).substr(8).starts_with("WEBP");
}

std::vector<std::string> CodeSigns::words() const {
  std::vector<std::string> out;
  const auto add = [&](bool is_there, const char* word) {
    if (is_there) out.emplace_back(word);
  };
  add(eval_decoded_, "eval-decoded");
  add(runs_request_, "runs-request");
  if (!tokens_.any_code()) return out;
  add(longest_line_ >= long_line, "long-line");
  add(size_ >= few_lines_from && newlines_ <= 1, "no-newlines");
  add(odd_names_ >= many_odd_names || escapes_ >= many_escapes || jumps_ >= many_jumps,
      "obfuscated-names");
  return out;
}

void CodeSigns::read(const PhpToken& token) {
  bool part_of_request = false;
  names_function_ = false;
  switch (token.kind) {
    case Kind::name:
      read_name(token);
      break;
    case Kind::variable:
      read_variable(token.text);
      part_of_request = has(request_variables, token.text) || requested_.contains(token.text);
      break;
    case Kind::string:
      escapes_ += token.escapes;
      if (token.text == "php://input") {
        asks_request_ = true;
        if (runs_code_ + runs_commands_ > 0) runs_request_ = true;
      }
      break;
    case Kind::number:
      break;
    case Kind::sign:
      switch (token.text[0]) {
        case '(':
          begin_call();
          break;
        case ')':
          end_call();
          break;
        case '[':
          if (last_is_request_) subscripts_++;
          part_of_request = last_is_request_;
          break;
        case ']':
          part_of_request = subscripts_ > 0;
          subscripts_ -= std::min<std::size_t>(subscripts_, 1);
          break;
        case '=':
          if (last_kind_ == Kind::variable) assigned_ = last_;
          if (last_kind_ == Kind::sign && last_ == "=") assigned_.clear();
          break;
        case ';':
        case '{':
        case '}':
          end_statement();
          break;
        default:
          break;
      }
  }
  // Within the brackets what is read belongs to the part that they name.
  last_is_request_ = part_of_request || (subscripts_ > 0 && token.kind != Kind::sign);
  last_is_function_ = names_function_;
  last_kind_ = token.kind;
  before_last_ = std::exchange(last_, std::string(token.text));
}

void CodeSigns::begin_call() {
  Runs runs = Runs::nothing;
  if (last_is_function_) {
    if (has(evaluators, last_)) runs = Runs::code;
    if (has(commands, last_)) runs = Runs::commands;
  }
  // $_POST['f'](…), and a variable that was set from one.
  if (last_is_request_ && subscripts_ == 0 && last_ != "(") runs_request_ = true;
  if (last_kind_ == Kind::variable && decoded_.contains(last_)) eval_decoded_ = true;
  if (open_.size() == depth_limit) {
    unseen_open_++;
    return;
  }
  open_.push_back(runs);
  runs_code_ += runs == Runs::code ? 1 : 0;
  runs_commands_ += runs == Runs::commands ? 1 : 0;
}

void CodeSigns::end_call() {
  if (unseen_open_ > 0) {
    unseen_open_--;
    return;
  }
  if (open_.empty()) return;
  runs_code_ -= open_.back() == Runs::code ? 1 : 0;
  runs_commands_ -= open_.back() == Runs::commands ? 1 : 0;
  open_.pop_back();
}

void CodeSigns::read_name(const PhpToken& token) {
  const bool of_an_object =
      (before_last_ == "-" && last_ == ">") || (before_last_ == ":" && last_ == ":");
  const bool declared = last_kind_ == Kind::name && last_ == "function";
  // Another function's variables are others.
  if (declared) requested_.clear();
  if (of_an_object || declared) return;
  names_function_ = true;
  if (token.text == "goto") jumps_++;
  if (has(includers, token.text)) includes_ = true;
  if (!has(decoders, token.text)) return;
  decodes_ = true;
  if (runs_code_ > 0 || includes_) eval_decoded_ = true;
}

void CodeSigns::read_variable(std::string_view name) {
  if (is_odd(name)) odd_names_++;
  const bool runs_it = runs_code_ > 0 || includes_;
  if (decoded_.contains(name)) {
    decodes_ = true;
    if (runs_it) eval_decoded_ = true;
  }
  const bool sent = has(request_variables, name);
  if (sent || requested_.contains(name)) {
    asks_request_ = true;
    // What is included by a name that was sent once has mostly been looked up in a list.
    if (runs_code_ + runs_commands_ > 0 || (includes_ && sent)) runs_request_ = true;
  }
}

void CodeSigns::end_statement() {
  if (!assigned_.empty() && decodes_ && decoded_.size() < variables_limit)
    decoded_.insert(assigned_);
  if (!assigned_.empty() && asks_request_ && requested_.size() < variables_limit) {
    requested_.insert(assigned_);
  }
  assigned_.clear();
  decodes_ = asks_request_ = includes_ = false;
  subscripts_ = 0;
}

}  // namespace mailorigin::investigating
