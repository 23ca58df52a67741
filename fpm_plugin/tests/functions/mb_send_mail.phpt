--TEST--
mb_send_mail(): our header with every form of additional_headers, asked once for each
--SKIPIF--
<?php
require __DIR__ . '/../needs.inc';
needs_php('8.0');
--EXTENSIONS--
mbstring
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
mb_language('uni');
echo "-- missing\n";
var_dump(mb_send_mail('to@example.com', 'Grüße', 'Body'));
show_mail();
echo "-- string with a content type\n";
var_dump(mb_send_mail('to@example.com', 'Subject', 'Body', "From: me@example.com\r\nContent-Type: text/plain; charset=ISO-8859-1\r\nContent-Transfer-Encoding: 8bit"));
show_mail();
echo "-- array and null parameters\n";
var_dump(mb_send_mail('to@example.com', 'Subject', 'Body', ['From' => 'me@example.com', 'X-Mail-Origin' => 'false'], null));
show_mail();
show_questions('function', 'envelope_from', 'from', 'subject');
--EXPECT--
-- missing
bool(true)
arguments <>
context <>
To: to@example.com
Subject: =?UTF-8?B?R3LDvMOfZQ==?=
X-Mail-Origin: 01TEST
MIME-Version: 1.0
Content-Type: text/plain; charset=UTF-8
Content-Transfer-Encoding: BASE64

Qm9keQ==
.
-- string with a content type
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST
From: me@example.com
Content-Type: text/plain; charset=ISO-8859-1
Content-Transfer-Encoding: 8bit
MIME-Version: 1.0

Body
.
-- array and null parameters
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST
From: me@example.com
MIME-Version: 1.0
Content-Type: text/plain; charset=UTF-8
Content-Transfer-Encoding: BASE64

Qm9keQ==
.
function=mb_send_mail
envelope_from=(unknown)
from=(unknown)
subject=Grüße
function=mb_send_mail
envelope_from=(unknown)
from=me@example.com
subject=Subject
function=mb_send_mail
envelope_from=(unknown)
from=me@example.com
subject=Subject
3 asked
