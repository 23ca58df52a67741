--TEST--
A daemon that listens and says nothing is waited for as long as mailorigin.patience_ms, and is no reason to send
--INI--
mailorigin.timeout_ms=1
mailorigin.patience_ms=300
mailorigin.on_failure=allow
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('silence');
$begin = microtime(true);
var_dump(mail('to@example.com', 'Subject', 'Body'));
$waited = microtime(true) - $begin;
echo $waited >= 0.29 ? "waited\n" : "waited $waited\n";
show_mail();
--EXPECTF--
Warning: mail(): Refused by MailOrigin: late, the recorder did not answer in time in %ssilence.php on line 5
bool(false)
waited
