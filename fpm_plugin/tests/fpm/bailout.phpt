--TEST--
php-fpm: a fatal error inside mail() leaves no context to the next request
--SKIPIF--
<?php
require __DIR__ . '/../needs.inc';
needs_php('8.1');
--FILE--
<?php
require __DIR__ . '/../helper.inc';
require __DIR__ . '/fpm.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
start_fpm(['one' => ''], ...plugin_options(), ...['mail.log=/proc/nonexistent/log', 'memory_limit=8M', 'display_errors=0']);
for ($i = 0; $i < 3; $i++) {
    request('one', '<?php set_error_handler(function () { str_repeat("x", 1 << 30); }); mail("to@example.com", "Subject", "Body");', ['SSL_MAILORIGIN_CONTEXT' => "sealed$i"]);
    echo request('one', '<?php echo shell_exec("echo [\$SSL_MAILORIGIN_CONTEXT]"); var_dump(@mail("to@example.com", "Subject", "Body"), getmypid() > 1);');
}
echo request('one', '<?php
set_error_handler(fn() => Fiber::suspend());
$fiber = new Fiber(fn() => mail("to@example.com", "Subject", "Body"));
$fiber->start();
restore_error_handler();
str_repeat("x", 1 << 30);', ['SSL_MAILORIGIN_CONTEXT' => 'in a fiber']);
echo request('one', '<?php echo shell_exec("echo [\$SSL_MAILORIGIN_CONTEXT]");');
show_questions('context');
--EXPECT--
[]
bool(true)
bool(true)
[]
bool(true)
bool(true)
[]
bool(true)
bool(true)
[]
context=sealed0
context=
context=sealed1
context=
context=sealed2
context=
context=in a fiber
7 asked
