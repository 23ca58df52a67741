// What a file's content has that dropped files have.
#include "investigating/code_signs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "investigating/php_tokens.h"

namespace mailorigin::investigating {

namespace {

std::vector<std::string> signs_of(std::string_view content) {
  CodeSigns signs;
  signs.add(content);
  signs.finish();
  return signs.words();
}

bool has(std::string_view content, const std::string& word) {
  const auto words = signs_of(content);
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string tokens_of(std::string_view content, std::size_t piece = 1 << 20) {
  std::string out;
  PhpTokens tokens([&](const PhpToken& token) {
    constexpr std::string_view kinds[] = {"name", "variable", "string", "number", ""};
    out += std::string(kinds[static_cast<std::size_t>(token.kind)]) + '<' +
           std::string(token.text) + "> ";
  });
  for (std::size_t at = 0; at < content.size(); at += piece) tokens.add(content.substr(at, piece));
  tokens.finish();
  return out;
}

TEST(CodeSigns, OfWhatRunsWhatItDecodes) {
  for (const char* code :
       {"<?php eval(base64_decode('x'));", "<?php @EVAL /* a */ ( gzinflate(\nbase64_decode($x)));",
        "<?php // eval\n$a = str_rot13('x'); eval($a);", "<?= assert(strrev('x')) ?>",
        "<?php $f = base64_decode('c3lzdGVt'); $f('id');",
        "<?php $a = hex2bin('x'); $b = $a; eval($b);", "<?php include base64_decode('x');",
        "<?php \\eval(\\base64_decode('x'));", "text <b><?php eval(pack('H*', 'x')); ?> text",
        "<?php \"{$a[eval(base64_decode('x'))]}\";",
        "<?php $x = <<<A\nit's\nA;\neval(base64_decode($x));",
        "<? eval(base64_decode('some text here'));", "<?php $a ? 1 : eval(base64_decode('x'));"}) {
    EXPECT_TRUE(has(code, "eval-decoded")) << code;
  }
  for (const char* code :
       {"eval(base64_decode('x'));", "<?php // eval(base64_decode('x'));",
        "<?php # eval(base64_decode('x'));", "<?php /* eval(base64_decode('x')); */",
        "<?php echo 'eval(base64_decode($x))';", "<?php echo \"eval(base64_decode('x'))\";",
        "<?php $a = base64_decode('x'); echo $a; eval($b);", "<?php $o->eval(base64_decode('x'));",
        "<?php O::eval(base64_decode('x'));", "<?php function eval(base64_decode $x) {}",
        "<?php ?> eval(base64_decode('x'));", "<?php $x = <<<'A'\neval(base64_decode('x'));\nA;\n",
        "<?xml eval(base64_decode('x'))", "<?php base64_decode(eval('x'));"}) {
    EXPECT_FALSE(has(code, "eval-decoded")) << code;
  }
}

TEST(CodeSigns, OfWhatRunsWhatARequestSends) {
  for (const char* code :
       {"<?php eval($_POST['x']);", "<?php @assert($_REQUEST[0]);", "<?php system($_GET['c']);",
        "<?php $_GET['f']($_GET['x']);", "<?php $f = $_COOKIE['f']; $f($x);",
        "<?php $c = trim($_POST['c']); echo shell_exec($c);", "<?php include $_GET['page'];",
        "<?php eval(file_get_contents('php://input'));", "<?php $_POST[$a[1]][0]('x');"}) {
    EXPECT_TRUE(has(code, "runs-request")) << code;
  }
  for (const char* code :
       {"<?php echo $_POST['x'];", "<?php if (isset($_POST['x'])) system('ls');",
        "<?php $pdo->exec($_POST['x']);", "<?php foreach ($_POST as $k) print($k);",
        "<?php $page = $_GET['page']; include pages($page);", "<?php $t[$_GET['i']](1);",
        "<?php function a() { $f = $_GET['f']; } function b($f) { $f(); }",
        "<?php if ($a == $_POST['x']) $a('y');"}) {
    EXPECT_FALSE(has(code, "runs-request")) << code;
  }
}

TEST(CodeSigns, OfItsForm) {
  const std::string line(5000, 'x');
  EXPECT_TRUE(has("<?php '" + line + "';\n\n", "long-line"));
  EXPECT_FALSE(has(line, "long-line"));  // no code
  EXPECT_TRUE(has("<?php " + std::string(600, ' '), "no-newlines"));
  EXPECT_FALSE(has("<?php phpinfo();", "no-newlines"));  // too short to say so
  EXPECT_TRUE(has("<?php $O0O0=1;$OO00=2;$O000=3;", "obfuscated-names"));
  EXPECT_TRUE(has("<?php $_0xa1=1;$lIl1=2;$\xff\xfe=3;", "obfuscated-names"));
  EXPECT_FALSE(has("<?php $\xc3\xa4=1;$o=2;$list=3;$I=4;$_o0=5;", "obfuscated-names"));
  std::string hidden, bytes;
  for (int i = 0; i < 40; i++) hidden += "\\x65\\145", bytes += "\\xc3\\x80\\0";
  EXPECT_TRUE(has("<?php $a = \"" + hidden + "\";", "obfuscated-names"));
  EXPECT_FALSE(has("<?php $a = \"" + bytes + "\";", "obfuscated-names"));
  EXPECT_FALSE(has("<?php $a = '" + hidden + "';", "obfuscated-names"));
  EXPECT_TRUE(
      has("<?php goto a; a: goto b; b: goto c; c: goto d; d: goto e; e:", "obfuscated-names"));
}

TEST(CodeSigns, KnowCodeAndImages) {
  const auto is_code = [](std::string_view content) {
    CodeSigns signs;
    signs.add(content);
    signs.finish();
    return signs.is_code();
  };
  EXPECT_TRUE(is_code("GIF89a<?php system('id');"));
  EXPECT_TRUE(is_code("<?PHP\n"));
  EXPECT_TRUE(is_code("#!/usr/bin/perl\n"));
  EXPECT_FALSE(is_code("<?xml version='1.0'?><svg/>"));
  EXPECT_FALSE(is_code(std::string_view("\x89PNG<?=\x01\x02\0\xff\xfe", 13)));
  CodeSigns image;
  image.add("\xff\xd8");
  image.add("\xff\xe0 <?php");
  image.finish();
  EXPECT_TRUE(image.is_image());
}

TEST(PhpTokens, AreTheSameInAnyPieces) {
  const std::string code =
      "<html><<?x ?php <?php /* c */ $a->b(\"x{$y['k']}z\\x41\", 'it\\'s', 12.5, `ls`); // d\n"
      "$h = <<<\"EOT\"\n  text $v {$w}\n  EOTX\n  EOT;\nName\\Space::f(); ?>html<?= $last ?>";
  const std::string whole = tokens_of(code);
  EXPECT_EQ(
      whole,
      "variable<a> <-> <>> name<b> <(> string<x> variable<y> <[> string<k> <]> string<z\\x41> <,> "
      "string<it\\'s> <,> number<12.5> <,> string<ls> <)> <;> variable<h> <=> string<text $v > "
      "variable<w> "
      "string<\nEOTX\n> <;> name<name\\space> <:> <:> name<f> <(> <)> <;> <;> "
      "variable<last> <;> ");
  for (const std::size_t piece : {1U, 2U, 3U, 7U, 64U, 129U})
    EXPECT_EQ(tokens_of(code, piece), whole);
}

TEST(PhpTokens, HoldAgainstDepthAndSize) {
  std::string deep = "<?php ";
  for (int i = 0; i < 100'000; i++) deep += "\"{$a";
  (void)signs_of(deep);
  (void)signs_of("<?php " + std::string(1'000'000, '('));
  (void)signs_of("<?php " + std::string(1'000'000, '}') + std::string(1'000'000, ']'));
  const std::string name(100'000, 'n');
  EXPECT_EQ(tokens_of("<?php " + name).size(), std::string("name<> ").size() + php_text_limit);
}

}  // namespace

}  // namespace mailorigin::investigating
