--TEST--
A daemon that only answers garbage counts as none once the time is over
--INI--
mailorigin.timeout_ms=100
--FILE--
<?php
require __DIR__ . '/../helper.inc';
foreach (['close', 'garbage', 'foreign'] as $fault) {
    start_daemon('--header', 'X-Mail-Origin: 01TEST', $fault);
    $begin = microtime(true);
    var_dump(mail('to@example.com', 'Subject', 'Body'));
    echo microtime(true) - $begin < 0.6 ? "bounded\n" : "late\n";
    echo substr_count(take_mail(), 'X-Mail-Origin: unrecorded'), " unrecorded\n";
    stop_daemon();
}
--EXPECT--
bool(true)
bounded
1 unrecorded
bool(true)
bounded
1 unrecorded
bool(true)
bounded
1 unrecorded
