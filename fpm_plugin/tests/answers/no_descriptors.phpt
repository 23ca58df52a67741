--TEST--
A script that uses up its descriptors, and frees them before PHP starts sendmail, sends nothing unasked
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
file_put_contents(test_file('no_descriptors.php'), '<?php
// mail.log cannot be opened: a warning, between the question and sendmail.
set_error_handler(function ($number, $message) { $GLOBALS["open"] = []; echo preg_replace("/ in .*/s", "", $message), "\n"; return true; });
function take_all() { while ($file = @fopen("/dev/null", "r")) $GLOBALS["open"][] = $file; }
for ($i = 0; $i < 3; $i++) {
    set_error_handler(fn() => true);
    take_all();
    restore_error_handler();
    var_dump(mail("to@example.com", "Subject", "Body"));
}');
$command = 'ulimit -n 24; exec "$@"';
$process = proc_open(['/bin/sh', '-c', $command, 'sh', getenv('TEST_PHP_EXECUTABLE'), '-n', '-d', 'extension=' . getenv('MAILORIGIN_EXTENSION'),
    '-d', 'mailorigin.socket=' . ini_get('mailorigin.socket'), '-d', 'sendmail_path=' . ini_get('sendmail_path'),
    '-d', 'mail.log=/proc/nonexistent/mail.log', test_file('no_descriptors.php')], [1 => ['pipe', 'w'], 2 => ['redirect', 1]], $pipes);
echo stream_get_contents($pipes[1]);
proc_close($process);
show_questions();
echo substr_count(take_mail(), 'X-Mail-Origin: 01TEST'), " sent, with the header\n";
--EXPECT--
mail(): Refused by MailOrigin: exhausted, no descriptor or memory is left to ask or to send
bool(false)
mail(): Refused by MailOrigin: exhausted, no descriptor or memory is left to ask or to send
bool(false)
mail(): Refused by MailOrigin: exhausted, no descriptor or memory is left to ask or to send
bool(false)
0 asked
0 sent, with the header
