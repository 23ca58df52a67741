--TEST--
The functions look as they do without the plugin
--FILE--
<?php
require __DIR__ . '/../helper.inc';
file_put_contents(test_file('reflection.php'), '<?php
foreach (array_filter(["mail", "mb_send_mail", "imap_mail", "error_log", "getenv", "putenv", "phpinfo"], "function_exists") as $name) echo new ReflectionFunction($name);
var_dump(get_extension_funcs("mailorigin") ?: []);');
$options = extensions('mbstring', 'imap');
$without = run_php(test_file('reflection.php'), false, ...$options);
$with = run_php(test_file('reflection.php'), true, ...$options);
echo $without === $with ? "equal\n" : "different\n";
// whichever comes first
$command = [getenv('TEST_PHP_EXECUTABLE'), '-n', '-d', 'extension=' . getenv('MAILORIGIN_EXTENSION'), '-d', 'mailorigin.on_failure=deny',
    '-d', 'mailorigin.socket=/proc/nonexistent'];
foreach ($options as $option) {
    array_push($command, '-d', $option);
}
array_push($command, '-r', 'foreach (["mb_send_mail", "imap_mail"] as $name) {
    echo !function_exists($name) || @$name("to", "s", "b") === false && error_get_last()["message"] === "$name(): Refused by MailOrigin: the recorder cannot be reached" ? "refused\n" : "sent\n";
}');
$process = proc_open($command, [1 => ['pipe', 'w']], $pipes);
echo stream_get_contents($pipes[1]);
--EXPECT--
equal
refused
refused
