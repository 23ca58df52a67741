--TEST--
imap_mail(): our header, and Cc, Bcc and return path among the facts
--EXTENSIONS--
imap
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
echo "-- three arguments\n";
var_dump(imap_mail('to@example.com', 'Subject', 'Body'));
show_mail();
echo "-- null headers, all others\n";
var_dump(imap_mail('to@example.com', 'Subject', 'Body', null, 'a@example.com, b@example.com', 'c@example.com', 'me@example.com'));
show_mail();
echo "-- headers\n";
var_dump(imap_mail('to@example.com', 'Subject', 'Body', "X-One: 1\nx-mail-origin : false\nX-Two: 2"));
show_mail();
echo "-- an empty body is allowed, with PHP's own warning\n";
var_dump(imap_mail('to@example.com', 'Subject', ''));
show_mail();
show_questions('function', 'from', 'recipients', 'headers', 'size');
--EXPECTF--
-- three arguments
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST

Body
.
-- null headers, all others
bool(true)
arguments <>
context <>
From: me@example.com
To: to@example.com
Cc: a@example.com, b@example.com
Bcc: c@example.com
Subject: Subject
X-Mail-Origin: 01TEST

Body
.
-- headers
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST
X-One: 1
X-Two: 2

Body
.
-- an empty body is allowed, with PHP's own warning

Warning: imap_mail(): No message string in mail command in %simap_mail.php on line 14
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST


.
function=imap_mail
from=(unknown)
recipients=1
headers=(unknown)
size=4
function=imap_mail
from=me@example.com
recipients=4
headers=From: me@example.com Cc: a@example.com, b@example.com Bcc: c@example.com
size=4
function=imap_mail
from=(unknown)
recipients=1
headers=X-One: 1 x-mail-origin : false X-Two: 2
size=4
function=imap_mail
from=(unknown)
recipients=1
headers=(unknown)
size=0
4 asked
