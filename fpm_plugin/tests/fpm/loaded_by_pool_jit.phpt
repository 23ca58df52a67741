--TEST--
php-fpm: loaded by one pool while all share JIT code, the plugin says that it does nothing
--SKIPIF--
<?php
require __DIR__ . '/../needs.inc';
needs_jit();
--FILE--
<?php
require __DIR__ . '/../helper.inc';
require __DIR__ . '/fpm.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
start_fpm([
    'with' => 'php_admin_value[mailorigin.socket] = ' . ini_get('mailorigin.socket') . "\ncatch_workers_output = yes\nphp_admin_value[extension] = " . getenv('MAILORIGIN_EXTENSION'),
    'without' => '',
], 'sendmail_path=' . ini_get('sendmail_path'), 'log_errors=1', ...[...opcache_options(), 'opcache.jit_buffer_size=16M', 'opcache.jit=tracing',
    'opcache.jit_hot_loop=2', 'opcache.jit_hot_func=2', 'opcache.file_update_protection=0']);
$code = '<?php function send($i) { return mail("to$i@example.com", "Subject", "Body"); }
for ($i = 0, $sent = 0; $i < 20; $i++) $sent += send($i); echo $sent, " sent\n";';
foreach (['with', 'without', 'with', 'without'] as $pool) {
    echo $pool, ' ', request($pool, $code, ['SSL_MAILORIGIN_CONTEXT' => 'sealed']);
}
show_questions();
$log = file_get_contents(test_file('fpm.log'));
echo preg_match('/MO0303: .*php\.ini/', $log, $warning), ' ', str_contains($log, 'SIGSEGV') ? 'crashed' : 'no crash', "\n";
--EXPECT--
with 20 sent
without 20 sent
with 20 sent
without 20 sent
0 asked
1 no crash
