--TEST--
what the mail server is to hold is sent on, and the script hears of success
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin-Ticket: 01TEST', 'hold');
var_dump(mail('to@example.com', 'Subject', 'Body', "X-Mail-Origin-Ticket: forged\r\n"));
show_mail();
--EXPECT--
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin-Ticket: 01TEST

Body
.
