--TEST--
mail(): a number as additional_headers goes through PHP's own coercion
--SKIPIF--
<?php
require __DIR__ . '/../needs.inc';
needs_php('8.0');
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
var_dump(mail('to@example.com', 'Subject', 'Body', 42));
show_mail();
$script = test_file('strict.php');
file_put_contents($script, '<?php declare(strict_types=1);
try { mail("to@example.com", "Subject", "Body", 42); } catch (TypeError $e) { echo $e->getMessage(), "\n"; }
try { mail("to@example.com", 1, "Body"); } catch (TypeError $e) { echo $e->getMessage(), "\n"; }');
require $script;
show_mail();
show_questions();
--EXPECT--
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST
42

Body
.
mail(): Argument #4 ($additional_headers) must be of type array|string, int given
mail(): Argument #2 ($subject) must be of type string, int given
1 asked
