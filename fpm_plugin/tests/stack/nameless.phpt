--TEST--
Code whose file PHP has no name of, as an encoder's loader makes it
--SKIPIF--
<?php
require __DIR__ . '/../needs.inc';
needs_php('8.0'); // an earlier one takes for granted that there is a name
if (!file_exists((string) getenv('MAILORIGIN_NAMELESS'))) die('skip needs MAILORIGIN_NAMELESS, the extension nameless_code');
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('allow', 'allow', 'deny');
file_put_contents(test_file('nameless.php'), '<?php
function send() { return mail("to@example.com", "Subject", "Body"); }
function outer() { return send(); }
take_file_name("send");
var_dump(send());
take_file_name("outer");
var_dump(outer());
var_dump(@outer());
register_shutdown_function("outer");');
echo run_php(test_file('nameless.php'), true, 'extension=' . getenv('MAILORIGIN_NAMELESS'));
show_questions('file', 'line', 'scripts');
--EXPECTF--
bool(true)
bool(true)
bool(false)

Warning: mail(): Refused by MailOrigin: policy (event 01JD0000000000000000000000) in Unknown on line 2

exit status 0
%afile=[no file name]
line=2
scripts=[no file name] %s/nameless.php
file=[no file name]
line=2
scripts=[no file name] %s/nameless.php
file=[no file name]
line=2
scripts=[no file name] %s/nameless.php
file=[no file name]
line=2
scripts=[no file name] %s/nameless.php
4 asked
