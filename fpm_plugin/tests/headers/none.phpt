--TEST--
An answer without headers changes nothing
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('allow');
var_dump(mail('to@example.com', 'Subject', 'Body', "X-Mail-Origin: the script's\r\nA: 1"));
show_mail();
var_dump(mail('to@example.com', 'Subject', 'Body'));
show_mail();
show_questions();
--EXPECT--
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: the script's
A: 1

Body
.
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject

Body
.
2 asked
