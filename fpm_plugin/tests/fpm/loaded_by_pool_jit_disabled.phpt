--TEST--
php-fpm: loaded by one pool, where php.ini disables JIT whatever its buffer's size
--SKIPIF--
<?php
require __DIR__ . '/../needs.inc';
needs_jit();
--FILE--
<?php
require __DIR__ . '/../helper.inc';
require __DIR__ . '/fpm.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
$options = ['sendmail_path=' . ini_get('sendmail_path'), 'log_errors=1', ...opcache_options(), 'opcache.jit_buffer_size=16M'];
$with = 'php_admin_value[mailorigin.socket] = ' . ini_get('mailorigin.socket') . "\ncatch_workers_output = yes\nphp_admin_value[extension] = " . getenv('MAILORIGIN_EXTENSION');
$code = '<?php var_dump(mail("to@example.com", "Subject", "Body"));';
foreach (['opcache.jit=disable' => '', 'opcache.jit=off' => '', 'opcache.jit=tracing' => "\nphp_admin_value[opcache.jit] = disable"] as $jit => $of_the_pool) {
    start_fpm(['with' => $with . $of_the_pool], $jit, ...$options);
    echo "$jit: ", request('with', $code, ['SSL_MAILORIGIN_CONTEXT' => 'sealed']);
    stop_fpm();
    echo count(questions()), ' asked, ', preg_match('/MO0303: .*opcache\.jit = disable/', file_get_contents(test_file('fpm.log'))), " warned\n";
}
--EXPECT--
opcache.jit=disable: bool(true)
1 asked, 0 warned
opcache.jit=off: bool(true)
1 asked, 1 warned
opcache.jit=tracing: bool(true)
1 asked, 1 warned
