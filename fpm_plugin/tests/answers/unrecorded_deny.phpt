--TEST--
A daemon that cannot record counts as none: mailorigin.on_failure=deny
--INI--
mailorigin.on_failure=deny
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'unrecorded');
var_dump(mail('to@example.com', 'Subject', 'Body'));
show_mail();
--EXPECTF--
Warning: mail(): Refused by MailOrigin: the recorder cannot be reached in %sunrecorded_deny.php on line 4
bool(false)
