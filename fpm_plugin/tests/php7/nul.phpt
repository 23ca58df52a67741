--TEST--
PHP 7's mail(): NULs become blanks and are recorded so, what is wrong with an array is said once, LF ends lines
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
$to = "to\0@example.com";
var_dump(mail($to, "Sub\0ject", "Bo\0dy", "X-One: a\0b", "-f\0me@example.com"), $to === "to\0@example.com");
echo str_replace(["\r", "\0"], ['\r', '\0'], take_mail());
$headers = ['From' => 'me@example.com', 'A B' => 'refused', 'X-List' => ['one', 'two']];
var_dump(mail('to@example.com', 'Subject', 'Body', $headers), count($headers));
echo str_replace("\r", '\r', take_mail());
var_dump(mail('to@example.com', 'Subject', 'Body', 17));
show_mail();
show_questions('to', 'subject', 'headers', 'envelope_from', 'size');
--EXPECTF--
bool(true)
bool(true)
arguments <-f me@example.com>
context <>
To: to @example.com
Subject: Sub ject
X-Mail-Origin: 01TEST
X-One: a b

Bo dy
.

Warning: mail(): %s in %snul.php on line %d
bool(true)
int(3)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST
From: me@example.com\r
X-List: one\r
X-List: two

Body
.

Warning: mail(): headers parameter must be string or array in %snul.php on line %d
bool(false)
to=to @example.com
subject=Sub ject
headers=X-One: a b
envelope_from=me@example.com
size=5
to=to@example.com
subject=Subject
headers=From: me@example.com  X-List: one  X-List: two
envelope_from=(unknown)
size=4
2 asked
