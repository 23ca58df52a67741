--TEST--
An extension line that stands in two files loads it once: one question for each mail
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
file_put_contents(test_file('twice.php'), '<?php var_dump(mail("to@example.com", "Subject", "Body"));');
$extension = 'extension=' . getenv('MAILORIGIN_EXTENSION');
$command = [PHP_BINARY, '-n', '-d', $extension, '-d', $extension, '-d', 'display_errors=1', '-d', 'html_errors=0',
    '-d', 'sendmail_path=' . ini_get('sendmail_path'), '-d', 'mailorigin.socket=' . ini_get('mailorigin.socket'), test_file('twice.php')];
$process = proc_open($command, [1 => ['pipe', 'w'], 2 => ['redirect', 1]], $pipes);
echo stream_get_contents($pipes[1]), 'status ', proc_close($process), "\n";
echo count(questions()), " question\n";
--EXPECTF--
%AModule %cmailorigin%c %Salready loaded%A
bool(true)
status 0
1 question
