--TEST--
Without a syslog the line goes to the administrator's error_log; a mail whose line goes nowhere is refused
--SKIPIF--
<?php
if (file_exists('/dev/log')) die('skip a syslog listens at /dev/log');
--FILE--
<?php
require __DIR__ . '/../helper.inc';
file_put_contents(test_file('no_syslog.php'), '<?php
ini_set("error_log", "/dev/null");
if ($argc > 1) fclose(STDERR);
mail("to@example.com", "Subject", "Body");');
$log = test_file('no_syslog.log');
@unlink($log);
foreach ([["error_log=$log"], ["error_log=$log", 'closed'], [''], ['', 'closed'], ['error_log=/proc/nonexistent/log', 'closed']] as $case) {
    $process = proc_open([getenv('TEST_PHP_EXECUTABLE'), '-n', '-d', 'extension=' . getenv('MAILORIGIN_EXTENSION'), '-d', 'mailorigin.socket=/proc/nonexistent/daemon.sock',
        '-d', 'sendmail_path=' . ini_get('sendmail_path'), '-d', $case[0] ?: 'error_log=', test_file('no_syslog.php'), ...array_slice($case, 1)],
        [1 => ['pipe', 'w'], 2 => ['pipe', 'w']], $pipes);
    $output = stream_get_contents($pipes[1]);
    $errors = stream_get_contents($pipes[2]);
    proc_close($process);
    echo implode(' ', $case), ': ', substr_count(take_mail(), 'X-Mail-Origin: unrecorded'), ' sent, ', substr_count((string) @file_get_contents($log), 'MO0301'), ' in the file, ',
        substr_count($errors, 'MO0301'), ' on standard error', preg_match('/Refused by MailOrigin: \w+/', $output, $match) ? ", $match[0]" : '', "\n";
}
echo preg_replace('/\d+/', 'N', strtok(file_get_contents($log), '"')), "\n";
--EXPECTF--
error_log=%s: 1 sent, 1 in the file, 0 on standard error
error_log=%s closed: 1 sent, 2 in the file, 0 on standard error
: 1 sent, 2 in the file, 1 on standard error
 closed: 0 sent, 2 in the file, 0 on standard error, Refused by MailOrigin: unlogged
error_log=/proc/nonexistent/log closed: 0 sent, 2 in the file, 0 on standard error, Refused by MailOrigin: unlogged
[N-%s-N N:N:N UTC] MON: mail left unrecorded: uid=N function=
