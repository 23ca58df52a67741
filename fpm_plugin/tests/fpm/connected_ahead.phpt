--TEST--
php-fpm: a worker is connected before its first script can take all descriptors
--FILE--
<?php
require __DIR__ . '/../helper.inc';
require __DIR__ . '/fpm.inc';
start_daemon('--reason', 'policy', '--id', '01JDENIED', 'deny');
start_fpm(['one' => "rlimit_files = 40"], 'mail.log=/proc/nonexistent/mail.log', ...plugin_options());
echo request('one', '<?php
while ($file = @fopen("/dev/null", "r")) $open[] = $file;
set_error_handler(function ($number, $message) use (&$open) { $open = []; echo $message, "\n"; return true; });
var_dump(mail("to@example.com", "Subject", "Body"));');
show_questions();
show_mail();
--EXPECT--
mail(): Refused by MailOrigin: policy (event 01JDENIED)
bool(false)
1 asked
