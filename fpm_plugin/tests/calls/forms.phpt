--TEST--
Every way to call mail() gives the same with the plugin, is asked about and gets the header
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
$script = script_for_this_php(__DIR__ . '/forms.inc');
$without = run_php($script, false);
$asked_without = count(questions());
$with = run_php($script, true);
echo $without === $with ? "equal\n" : "different\n$without\n\n$with\n";
echo $asked_without, " asked without\n";
$mails = substr_count($with, "\nTo: ");
echo $mails > 300 ? 'many' : $mails, ' mails, ', count(questions()) === $mails ? 'each' : count(questions()), " asked about\n";
echo run_php_headers() === $mails ? 'each' : 'not each', " with the header in front\n";

function run_php_headers(): int
{
    global $script;
    $command = [getenv('TEST_PHP_EXECUTABLE'), '-n', '-d', 'sendmail_path=' . ini_get('sendmail_path'),
        '-d', 'extension=' . getenv('MAILORIGIN_EXTENSION'), '-d', 'mailorigin.socket=' . ini_get('mailorigin.socket'),
        $script];
    proc_close(proc_open($command, [1 => ['file', '/dev/null', 'w'], 2 => ['file', '/dev/null', 'w']], $pipes));
    return preg_match_all('/^To: .*\r?\nSubject: .*\r?\nX-Mail-Origin: 01TEST\r?$/m', take_mail());
}
--EXPECT--
equal
0 asked without
many mails, each asked about
each with the header in front
