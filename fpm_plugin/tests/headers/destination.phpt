--TEST--
No argument can put a field, or the body, before our header
--EXTENSIONS--
imap
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
$attack = "a@example.com\r\nX-Mail-Origin: false\n\nBody,\r\n folded@example.com\r\n \r\nX: y\r";
echo "-- error_log\n";
error_log('Body', 1, $attack);
show_mail();
echo "-- imap_mail\n";
imap_mail($attack, $attack, 'Body', "\n\nX-Mail-Origin: false\nA: 1", $attack, $attack, $attack);
show_mail();
echo "-- mail\n";
mail($attack, $attack, 'Body');
show_mail();
echo "-- what is folded well stays\n";
imap_mail("a@example.com,\r\n b@example.com,\n\tc@example.com", 'Subject', 'Body');
show_mail();
--EXPECT--
-- error_log
arguments <>
context <>
To: a@example.com  X-Mail-Origin: false  Body,
 folded@example.com     X: y(blank)
Subject: PHP error_log message
X-Mail-Origin: 01TEST

Body
.
-- imap_mail
arguments <>
context <>
From: a@example.com  X-Mail-Origin: false  Body,
 folded@example.com     X: y(blank)
To: a@example.com  X-Mail-Origin: false  Body,
 folded@example.com     X: y(blank)
Cc: a@example.com  X-Mail-Origin: false  Body,
 folded@example.com     X: y(blank)
Bcc: a@example.com  X-Mail-Origin: false  Body,
 folded@example.com     X: y(blank)
Subject: a@example.com  X-Mail-Origin: false  Body,
 folded@example.com     X: y(blank)
X-Mail-Origin: 01TEST
A: 1

Body
.
-- mail
arguments <>
context <>
To: a@example.com  X-Mail-Origin: false  Body,
 folded@example.com
   X: y
Subject: a@example.com  X-Mail-Origin: false  Body,
 folded@example.com
   X: y
X-Mail-Origin: 01TEST

Body
.
-- what is folded well stays
arguments <>
context <>
To: a@example.com,
 b@example.com,
	c@example.com
Subject: Subject
X-Mail-Origin: 01TEST

Body
.
