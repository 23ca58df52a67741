--TEST--
mailorigin.enabled=0: nothing is asked, nothing is changed
--INI--
mailorigin.enabled=0
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'deny');
var_dump(mail('to@example.com', 'Subject', 'Body', 'X-Mail-Origin: mine'));
show_mail();
show_questions();
--EXPECT--
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: mine

Body
.
0 asked
