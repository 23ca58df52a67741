--TEST--
The context is out of a script's sight, and what counts is the one that came
--SKIPIF--
<?php
require __DIR__ . '/../needs.inc';
needs_php('8.0');
--INI--
variables_order=EGPCS
--ENV--
SSL_MAILORIGIN_CONTEXT=sealed
REDIRECT_SSL_MAILORIGIN_CONTEXT=older
REDIRECT_REDIRECT_SSL_MAILORIGIN_CONTEXT=oldest
REDIRECT_OTHER=visible
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('allow');
$names = ['SSL_MAILORIGIN_CONTEXT', 'REDIRECT_SSL_MAILORIGIN_CONTEXT', 'REDIRECT_REDIRECT_SSL_MAILORIGIN_CONTEXT', 'REDIRECT_OTHER'];
$text = new class { public function __toString(): string { return 'SSL_MAILORIGIN_CONTEXT'; } };
ob_start();
phpinfo();
$info = ob_get_clean();
foreach ($names as $name) {
    echo $name, ' ', json_encode([getenv($name), getenv($name, true), getenv(name: $name), getenv()[$name] ?? null, getenv(null)[$name] ?? null,
        $_ENV[$name] ?? null, $_SERVER[$name] ?? null, filter_input(INPUT_ENV, $name), filter_input(INPUT_SERVER, $name),
        call_user_func('getenv', $name), str_contains($info, "$name ")]), "\n";
}
var_dump(getenv($text), str_contains(serialize($GLOBALS['_SERVER']), 'sealed'));
echo "-- putenv\n";
var_dump(putenv('SSL_MAILORIGIN_CONTEXT=mine'), putenv('SSL_MAILORIGIN_CONTEXT'), putenv('REDIRECT_SSL_MAILORIGIN_CONTEXT=mine'),
    putenv("SSL_MAILORIGIN_CONTEXT\0=mine"), putenv('SSL_MAILORIGIN_CONTEXT_MORE=mine'), getenv('SSL_MAILORIGIN_CONTEXT_MORE'));
try {
    putenv('');
} catch (ValueError $e) {
    echo $e->getMessage(), "\n";
}
mail('to@example.com', 'Subject', 'Body');
show_mail();
show_questions('context');
echo "-- a program that the script starts inherits it\n";
echo shell_exec('echo $SSL_MAILORIGIN_CONTEXT $REDIRECT_SSL_MAILORIGIN_CONTEXT');
--EXPECT--
SSL_MAILORIGIN_CONTEXT [false,false,false,null,null,null,null,null,null,false,false]
REDIRECT_SSL_MAILORIGIN_CONTEXT [false,false,false,null,null,null,null,null,null,false,false]
REDIRECT_REDIRECT_SSL_MAILORIGIN_CONTEXT [false,false,false,null,null,null,null,null,null,false,false]
REDIRECT_OTHER ["visible","visible","visible","visible","visible","visible","visible","visible",null,"visible",true]
bool(false)
bool(false)
-- putenv
bool(false)
bool(false)
bool(false)
bool(false)
bool(true)
string(4) "mine"
putenv(): Argument #1 ($assignment) must have a valid syntax
arguments <>
context <sealed>
To: to@example.com
Subject: Subject

Body
.
context=sealed
1 asked
-- a program that the script starts inherits it
sealed older
