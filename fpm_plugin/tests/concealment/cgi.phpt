--TEST--
The same in php-cgi
--CGI--
--INI--
variables_order=EGPCS
--ENV--
SSL_MAILORIGIN_CONTEXT=sealed
REDIRECT_SSL_MAILORIGIN_CONTEXT=older
REDIRECT_OTHER=visible
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('allow');
ob_start();
phpinfo();
$info = ob_get_clean();
foreach (['SSL_MAILORIGIN_CONTEXT', 'REDIRECT_SSL_MAILORIGIN_CONTEXT', 'REDIRECT_OTHER'] as $name) {
    echo $name, ' ', json_encode([getenv($name), getenv($name, true), getenv()[$name] ?? null, $_ENV[$name] ?? null, $_SERVER[$name] ?? null,
        filter_input(INPUT_ENV, $name), filter_input(INPUT_SERVER, $name), str_contains($info, "$name")]), "\n";
}
var_dump(PHP_SAPI, putenv('SSL_MAILORIGIN_CONTEXT=mine'));
mail('to@example.com', 'Subject', 'Body');
show_mail();
show_questions('context', 'sapi', 'entry');
--EXPECT--
SSL_MAILORIGIN_CONTEXT [false,false,null,null,null,null,null,false]
REDIRECT_SSL_MAILORIGIN_CONTEXT [false,false,null,null,null,null,null,false]
REDIRECT_OTHER ["visible","visible","visible","visible","visible","visible",null,true]
string(8) "cgi-fcgi"
bool(false)
arguments <>
context <sealed>
To: to@example.com
Subject: Subject

Body
.
context=sealed
sapi=cgi-fcgi
entry=/concealment/cgi.php
1 asked
