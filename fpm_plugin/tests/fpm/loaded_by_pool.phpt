--TEST--
php-fpm: a pool's php_admin_value[extension] loads the plugin for that pool
--SKIPIF--
<?php
require __DIR__ . '/../needs.inc';
needs_php('8.0'); // an earlier php-fpm crashes on any extension of a pool's
--FILE--
<?php
require __DIR__ . '/../helper.inc';
require __DIR__ . '/fpm.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
start_fpm([
    // FPM applies the last line first
    'with' => "php_admin_value[extension] = mbstring\nphp_admin_value[mailorigin.socket] = " . ini_get('mailorigin.socket')
        . "\nphp_admin_value[extension] = " . getenv('MAILORIGIN_EXTENSION'),
    'without' => '',
], 'sendmail_path=' . ini_get('sendmail_path'));
$send = '<?php var_dump(extension_loaded("mailorigin"), mail("to@example.com", "Subject", "Body"), getenv("SSL_MAILORIGIN_CONTEXT"), function_exists("mb_send_mail") && mb_send_mail("mb@example.com", "Subject", "Body"));';
foreach (['with', 'without', 'with'] as $pool) {
    echo "-- $pool\n", request($pool, $send, ['SSL_MAILORIGIN_CONTEXT' => 'sealed']);
}
echo substr_count(take_mail(), 'X-Mail-Origin: 01TEST'), " headers\n";
show_questions('function', 'pool', 'context');
--EXPECT--
-- with
bool(true)
bool(true)
bool(false)
bool(true)
-- without
bool(false)
bool(true)
string(6) "sealed"
bool(false)
-- with
bool(true)
bool(true)
bool(false)
bool(true)
4 headers
function=mail
pool=with
context=sealed
function=mb_send_mail
pool=with
context=sealed
function=mail
pool=with
context=sealed
function=mb_send_mail
pool=with
context=sealed
4 asked
