--TEST--
A daemon that cannot record: mailorigin.on_timeout=allow
--INI--
mailorigin.on_timeout=allow
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'unrecorded');
var_dump(mail('to@example.com', 'Subject', 'Body', "X-Mail-Origin: false\r\nA: 1"));
var_dump(mail('to@example.com', 'Subject', 'Body', ['X-Mail-Origin' => 'false', 'A' => '1']));
show_mail();
--EXPECT--
bool(true)
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: unrecorded
A: 1

Body
.
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: unrecorded
A: 1

Body
.
