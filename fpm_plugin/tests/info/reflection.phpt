--TEST--
The functions look as they do without the plugin
--FILE--
<?php
require __DIR__ . '/../helper.inc';
file_put_contents(test_file('reflection.php'), '<?php
foreach (["mail", "mb_send_mail", "imap_mail", "error_log", "getenv", "putenv", "phpinfo"] as $name) echo new ReflectionFunction($name);
var_dump(get_extension_funcs("mailorigin") ?: []);');
$options = ['extension=mbstring', 'extension=imap'];
$without = run_php(test_file('reflection.php'), false, ...$options);
$with = run_php(test_file('reflection.php'), true, ...$options);
echo $without === $with ? "equal\n" : "different\n";
// whichever comes first
$command = [getenv('TEST_PHP_EXECUTABLE'), '-n', '-d', 'extension=' . getenv('MAILORIGIN_EXTENSION'), '-d', 'mailorigin.on_failure=deny',
    '-d', 'mailorigin.socket=/proc/nonexistent', '-d', 'extension=mbstring', '-d', 'extension=imap', '-r',
    'var_dump(@mb_send_mail("to", "s", "b"), @imap_mail("to", "s", "b"), error_get_last()["message"]);'];
$process = proc_open($command, [1 => ['pipe', 'w']], $pipes);
echo stream_get_contents($pipes[1]);
--EXPECT--
equal
bool(false)
bool(false)
string(66) "imap_mail(): Refused by MailOrigin: the recorder cannot be reached"
