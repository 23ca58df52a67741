--TEST--
A daemon that says nothing is waited for as long as mailorigin.timeout_ms
--INI--
mailorigin.timeout_ms=300
mailorigin.on_failure=deny
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('silence');
$begin = microtime(true);
var_dump(@mail('to@example.com', 'Subject', 'Body'));
$waited = microtime(true) - $begin;
echo $waited >= 0.29 && $waited < 1 ? "waited\n" : "waited $waited\n";
--EXPECT--
bool(false)
waited
