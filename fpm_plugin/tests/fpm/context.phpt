--TEST--
php-fpm: the request's context is asked with, reaches sendmail, and stays out of sight
--FILE--
<?php
require __DIR__ . '/../helper.inc';
require __DIR__ . '/fpm.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
start_fpm(['one' => '', 'two words' => ''], ...plugin_options(), ...['variables_order=EGPCS']);
$look = '<?php
foreach (["SSL_MAILORIGIN_CONTEXT", "REDIRECT_SSL_MAILORIGIN_CONTEXT", "REDIRECT_OTHER"] as $name) {
    ob_start(); phpinfo(); $info = ob_get_clean();
    echo $name, " ", json_encode([getenv($name), getenv($name, true), getenv()[$name] ?? null, $_ENV[$name] ?? null, $_SERVER[$name] ?? null,
        filter_input(INPUT_ENV, $name), filter_input(INPUT_SERVER, $name), strpos($info, $name) !== false]), "\n";
}
putenv("SSL_MAILORIGIN_CONTEXT=mine");
var_dump(mail("to@example.com", "Subject", "Body"), getenv("SSL_MAILORIGIN_CONTEXT"), shell_exec("echo [\$SSL_MAILORIGIN_CONTEXT]"));';
$context = ['SSL_MAILORIGIN_CONTEXT' => 'sealed', 'REDIRECT_SSL_MAILORIGIN_CONTEXT' => 'older', 'REDIRECT_OTHER' => 'visible'];
echo "-- with a context\n", request('one', $look, $context);
show_mail();
echo "-- without, in the same worker\n", request('one', $look);
show_mail();
echo "-- another\n", request('two words', '<?php var_dump(mail("to@example.com", "Subject", "Body"));', ['SSL_MAILORIGIN_CONTEXT' => 'other']);
show_mail();
show_questions('context', 'sapi', 'pool');
--EXPECT--
-- with a context
SSL_MAILORIGIN_CONTEXT [false,false,null,null,null,null,null,false]
REDIRECT_SSL_MAILORIGIN_CONTEXT [false,false,null,null,null,null,null,false]
REDIRECT_OTHER ["visible",false,"visible","visible","visible","visible",null,true]
bool(true)
bool(false)
string(9) "[sealed]
"
arguments <>
context <sealed>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST

Body
.
-- without, in the same worker
SSL_MAILORIGIN_CONTEXT [false,false,null,null,null,null,null,false]
REDIRECT_SSL_MAILORIGIN_CONTEXT [false,false,null,null,null,null,null,false]
REDIRECT_OTHER [false,false,null,null,null,null,null,false]
bool(true)
bool(false)
string(3) "[]
"
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST

Body
.
-- another
bool(true)
arguments <>
context <other>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST

Body
.
context=sealed
sapi=fpm-fcgi
pool=one
context=
sapi=fpm-fcgi
pool=one
context=other
sapi=fpm-fcgi
pool=two words
3 asked
