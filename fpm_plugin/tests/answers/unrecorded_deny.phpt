--TEST--
A daemon that cannot record is not an absent one: on_failure does not count
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'unrecorded');
var_dump(mail('to@example.com', 'Subject', 'Body'));
show_mail();
--EXPECTF--
Warning: mail(): Refused by MailOrigin: unwritable, the recorder cannot write its journal in %sunrecorded_deny.php on line 4
bool(false)
