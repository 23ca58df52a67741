--TEST--
php-fpm: a pool's php_admin_value sets, a request's PHP_ADMIN_VALUE does not
--FILE--
<?php
require __DIR__ . '/../helper.inc';
require __DIR__ . '/fpm.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
start_fpm([
    'plain' => '',
    'strict' => "php_admin_value[mailorigin.on_failure] = deny\nphp_admin_value[mailorigin.socket] = /proc/nonexistent/daemon.sock",
    'off' => 'php_admin_flag[mailorigin.enabled] = off',
    'wrong' => "catch_workers_output = yes\nphp_admin_value[mailorigin.timeout_ms] = soon",
], ...plugin_options(), ...['log_errors=1']);
$show = '<?php echo json_encode(array_map("ini_get", ["mailorigin.enabled", "mailorigin.on_failure", "mailorigin.timeout_ms"])), " ", var_export(@mail("to@example.com", "Subject", "Body"), true), "\n";';
foreach (['plain', 'strict', 'off', 'wrong'] as $pool) {
    echo $pool, ' ', request($pool, $show);
}
echo 'plain ', request('plain', $show, ['PHP_ADMIN_VALUE' => "mailorigin.enabled=0\nmailorigin.on_failure=deny\nprecision=7"]);
echo 'plain ', request('plain', $show, ['PHP_VALUE' => "mailorigin.enabled=0\nmailorigin.socket=/tmp/x\nprecision=7"]);
echo 'plain ', request('plain', $show);
echo 'strict ', request('strict', $show, ['PHP_ADMIN_VALUE' => "mailorigin.on_failure=allow"]);
show_questions('pool');
preg_match('/MO0302.*?used/', file_get_contents(test_file('fpm.log')) . file_get_contents(test_file('fpm.out')), $warning);
echo $warning[0] ?? 'no warning', "\n";
--EXPECT--
plain ["1","allow","250"] true
strict ["1","deny","250"] false
off ["0","allow","250"] true
wrong ["1","allow","250"] true
plain ["1","allow","250"] true
plain ["1","allow","250"] true
plain ["1","allow","250"] true
strict ["1","deny","250"] false
pool=plain
pool=wrong
pool=plain
pool=plain
pool=plain
5 asked
MO0302: mailorigin.timeout_ms: "soon" is not accepted: it takes milliseconds from 1 to 60000; the value set before is used
