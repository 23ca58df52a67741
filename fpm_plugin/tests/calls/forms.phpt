--TEST--
Every way to call mail() gives the same with the plugin, is asked about and gets the header
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
$without = run_php(__DIR__ . '/forms.inc', false);
$asked_without = count(questions());
$with = run_php(__DIR__ . '/forms.inc', true);
echo $without === $with ? "equal\n" : "different\n$without\n\n$with\n";
echo $asked_without, " asked without\n";
$mails = substr_count($with, "\nTo: ");
echo $mails, " mails, ", count(questions()), " asked\n";
echo run_php_headers(), " with the header in front\n";

function run_php_headers(): int
{
    $command = [getenv('TEST_PHP_EXECUTABLE'), '-n', '-d', 'sendmail_path=' . ini_get('sendmail_path'),
        '-d', 'extension=' . getenv('MAILORIGIN_EXTENSION'), '-d', 'mailorigin.socket=' . ini_get('mailorigin.socket'),
        __DIR__ . '/forms.inc'];
    proc_close(proc_open($command, [1 => ['file', '/dev/null', 'w'], 2 => ['file', '/dev/null', 'w']], $pipes));
    return preg_match_all('/^To: .*\r?\nSubject: .*\r?\nX-Mail-Origin: 01TEST\r?$/m', take_mail());
}
--EXPECT--
equal
0 asked without
355 mails, 355 asked
355 with the header in front
