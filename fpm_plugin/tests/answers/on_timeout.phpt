--TEST--
mailorigin.on_timeout=allow: what a late daemon was asked about leaves unrecorded, whatever on_failure says
--INI--
mailorigin.patience_ms=50
mailorigin.on_failure=deny
mailorigin.on_timeout=allow
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('silence');
var_dump(mail('to@example.com', 'Subject', 'Body'));
echo substr_count(take_mail(), 'X-Mail-Origin: unrecorded'), " unrecorded\n";
stop_daemon();
var_dump(@mail('to@example.com', 'Subject', 'Body'));
show_mail();
--EXPECT--
bool(true)
1 unrecorded
bool(false)
