--TEST--
Whatever memory is left, no mail leaves with the script's copy of our header
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
file_put_contents(test_file('no_memory.php'), '<?php
$line = "X-Mail-Origin: forged\r\n";
$fill = "X-Fill: " . str_repeat("x", 900) . "\r\n";
mail("to@example.com", "Subject", "Body", $line . str_repeat($fill, 32000) . $line . "X-Last: 1");');
$sent = $refused = $forged = 0;
// In KiB; what PHP itself needs is near the lower end.
for ($limit = 100000; $limit <= 600000; $limit += 30000) {
    @unlink(test_file('mail'));
    $process = proc_open(['/bin/sh', '-c', "ulimit -v $limit; exec \"\$@\"", 'sh', getenv('TEST_PHP_EXECUTABLE'), '-n', '-d', 'memory_limit=-1', '-d', 'extension=' . getenv('MAILORIGIN_EXTENSION'),
        '-d', 'mailorigin.socket=' . ini_get('mailorigin.socket'), '-d', 'sendmail_path=' . ini_get('sendmail_path'), test_file('no_memory.php')],
        [1 => ['pipe', 'w'], 2 => ['redirect', 1]], $pipes);
    $refused += str_contains(stream_get_contents($pipes[1]), 'Refused by MailOrigin: exhausted');
    proc_close($process);
    $mail = take_mail();
    $sent += str_contains($mail, 'X-Mail-Origin: 01TEST');
    $forged += str_contains($mail, 'forged');
}
echo $sent > 0 ? "some sent\n" : "none sent\n", $refused > 0 ? "some refused\n" : "none refused\n", "$forged forged\n";
--EXPECT--
some sent
some refused
0 forged
