--TEST--
A refused mail returns false, with the reason and the event's id
--EXTENSIONS--
imap
mbstring
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--reason', 'limit', '--id', '01JDENIED', 'deny');
var_dump(mail('to@example.com', 'Subject', 'Body'));
var_dump(mb_send_mail('to@example.com', 'Subject', 'Body', []));
var_dump(imap_mail('to@example.com', 'Subject', 'Body'));
var_dump(error_log('Body', 1, 'to@example.com'));
var_dump(@mail('to@example.com', 'Subject', 'Body'));
set_error_handler(function ($number, $message) { throw new Exception("$number $message"); });
try {
    mail('to@example.com', 'Subject', 'Body');
} catch (Exception $e) {
    echo $e->getMessage(), "\n";
}
restore_error_handler();
show_mail();
show_questions();
stop_daemon();
start_daemon('--reason', "two\nlines <b>", '--id', '', 'deny');
var_dump(mail('to@example.com', 'Subject', 'Body'));
stop_daemon();
start_daemon('--reason', 'limit', '--retry-after', '35', 'deny');
var_dump(mail('to@example.com', 'Subject', 'Body'));
--EXPECTF--
Warning: mail(): Refused by MailOrigin: limit (event 01JDENIED) in %sdeny.php on line 4
bool(false)

Warning: mb_send_mail(): Refused by MailOrigin: limit (event 01JDENIED) in %sdeny.php on line 5
bool(false)

Warning: imap_mail(): Refused by MailOrigin: limit (event 01JDENIED) in %sdeny.php on line 6
bool(false)

Warning: error_log(): Refused by MailOrigin: limit (event 01JDENIED) in %sdeny.php on line 7
bool(false)
bool(false)
2 mail(): Refused by MailOrigin: limit (event 01JDENIED)
6 asked

Warning: mail(): Refused by MailOrigin: two lines <b> in %sdeny.php on line 20
bool(false)

Warning: mail(): Refused by MailOrigin: limit (event 01JD0000000000000000000000), the next may leave in 35 s in %sdeny.php on line 23
bool(false)
