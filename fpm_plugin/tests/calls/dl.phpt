--TEST--
Functions that dl() brings are asked about too, in each request that loads them
--SKIPIF--
<?php
if (!is_executable(getenv('TEST_PHP_CGI_EXECUTABLE'))) die('skip needs php-cgi');
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
file_put_contents(test_file('dl.php'), '<?php
var_dump(function_exists("mb_send_mail"), dl("mbstring.so"), mb_send_mail("to@example.com", "Subject", "Body"), mail("to@example.com", "Subject", "Body"));');
$command = [getenv('TEST_PHP_CGI_EXECUTABLE'), '-n', '-q', '-T', '3', '-d', 'extension=' . getenv('MAILORIGIN_EXTENSION'),
    '-d', 'sendmail_path=' . ini_get('sendmail_path'), '-d', 'mailorigin.socket=' . ini_get('mailorigin.socket'), test_file('dl.php')];
// Not with the test's own environment, whose SCRIPT_FILENAME names the test.
$process = proc_open($command, [1 => ['pipe', 'w'], 2 => ['file', '/dev/null', 'w']], $pipes, null, ['MAILORIGIN_TEST_DIR' => getenv('MAILORIGIN_TEST_DIR')]);
echo preg_match_all('/^bool\(.*\)$/m', stream_get_contents($pipes[1]), $found), ' ', implode(' ', $found[0]), "\n";
print_r(array_count_values(array_column(questions(), 'function')));
--EXPECT--
12 bool(false) bool(true) bool(true) bool(true) bool(false) bool(true) bool(true) bool(true) bool(false) bool(true) bool(true) bool(true)
Array
(
    [mb_send_mail] => 3
    [mail] => 3
)
