--TEST--
php-fpm: opcache with JIT, many requests in one worker
--SKIPIF--
<?php
require __DIR__ . '/../needs.inc';
needs_jit();
--FILE--
<?php
require __DIR__ . '/../helper.inc';
require __DIR__ . '/fpm.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
start_fpm(['one' => ''], ...plugin_options(), ...opcache_options(), ...['opcache.jit_buffer_size=16M', 'opcache.jit=tracing',
    'opcache.jit_hot_loop=2', 'opcache.jit_hot_func=2', 'opcache.file_update_protection=0']);
$code = '<?php function send($i) { return mail("to$i@example.com", "Subject", "Body"); }
for ($i = 0, $sent = 0; $i < 20; $i++) $sent += send($i); echo $sent, " ", opcache_get_status(false)["jit"]["on"] ? "JIT is on" : "JIT is off", "\n";';
for ($i = 0; $i < 5; $i++) {
    echo request('one', $code, ['SSL_MAILORIGIN_CONTEXT' => "sealed$i"]);
}
echo substr_count(take_mail(), 'X-Mail-Origin: 01TEST'), " headers\n";
print_r(array_count_values(array_column(questions(), 'context')));
--EXPECT--
20 JIT is on
20 JIT is on
20 JIT is on
20 JIT is on
20 JIT is on
100 headers
Array
(
    [sealed0] => 20
    [sealed1] => 20
    [sealed2] => 20
    [sealed3] => 20
    [sealed4] => 20
)
