--TEST--
A daemon that only answers garbage is there: what it was asked about is refused once the time is over
--INI--
mailorigin.timeout_ms=1
mailorigin.patience_ms=100
--FILE--
<?php
require __DIR__ . '/../helper.inc';
foreach (['close', 'garbage', 'foreign'] as $fault) {
    start_daemon('--header', 'X-Mail-Origin: 01TEST', $fault);
    var_dump(mail('to@example.com', 'Subject', 'Body'));
    show_mail();
    stop_daemon();
}
--EXPECTF--
Warning: mail(): Refused by MailOrigin: late, the recorder did not answer in time in %salways_broken.php on line 5
bool(false)

Warning: mail(): Refused by MailOrigin: late, the recorder did not answer in time in %salways_broken.php on line 5
bool(false)

Warning: mail(): Refused by MailOrigin: late, the recorder did not answer in time in %salways_broken.php on line 5
bool(false)
