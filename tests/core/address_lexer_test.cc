#include "core/mail/address_lexer.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

namespace mailorigin {
namespace {

// A letter for each token: blank, comment, quoted, literal, atom, stray, or the
// special itself.
std::string kinds(std::string_view list) {
  std::string out;
  std::size_t length = 0;
  AddressLexer lexer(list);
  while (const auto token = lexer.next()) {
    using Kind = AddressToken::Kind;
    switch (token->kind) {
      case Kind::blank:
        out += '_';
        break;
      case Kind::comment:
        out += 'c';
        break;
      case Kind::quoted:
        out += 'q';
        break;
      case Kind::literal:
        out += 'l';
        break;
      case Kind::atom:
        out += 'a';
        break;
      case Kind::special:
        out += token->text;
        break;
      case Kind::stray:
        out += '!';
        break;
    }
    length += token->text.size();
  }
  EXPECT_EQ(length, list.size()) << list;
  return out;
}

TEST(AddressLexer, TellsTokensApart) {
  const std::pair<std::string_view, const char*> lists[] = {
      {"", ""},
      {"Me <a.b@c>", "a_<a.a@a>"},
      {"\"x, y\" <a@b>, g: h@[IPv6:::1];", "q_<a@a>,_a:_a@l;"},
      {"a (b (c) \\) d) e", "a_c_a"},
      {"\"a \\\" b\"c", "qa"},
      {"a\r\n b\n\tc", "a_a_a"},
      {"a@b\r\n", "a@a_"},
      {"J\xc3\xb6rg =?utf-8?q?a=40b?= a%b!c", "a_a_a"},
      {"a\\b) ]", "a!a!_!"},
      {"a \"b, c", "a_!"},
      {"a (b, (c)", "a_!"},
      {"a@[b, c", "a@!"},
      {"[a[b]", "!"},
      {"\"a\\", "!"},
      {std::string_view("a\0b\x7f\x01", 5), "a!a!!"},
      {"a\rb\nc\r", "a!a!a!"},
      {"\"a\nb\"", "!"},
      {"(a\r)", "!"},
  };
  for (const auto& [list, expected] : lists) EXPECT_EQ(kinds(list), expected) << list;
}

TEST(AddressLexer, SaysWhetherAListHidesWhatFollows) {
  for (const char* list : {"", "a@b", "\"a\" (b) [c]", "a\\b)", "a\rb"}) {
    EXPECT_TRUE(is_closed(list)) << list;
  }
  for (const char* list : {"\"", "a (b", "a@[b", "\"a\" \"b", "(a\r)"}) {
    EXPECT_FALSE(is_closed(list)) << list;
  }
}

}  // namespace
}  // namespace mailorigin
