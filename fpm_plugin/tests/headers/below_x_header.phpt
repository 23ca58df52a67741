--TEST--
With mail.add_x_header ours follows PHP's own line, and takes in no continuation
--INI--
mail.add_x_header=1
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
foreach (['', 'A: 1', " folded\r\nA: 1", "\t\r\n false"] as $headers) {
    var_dump(mail('to@example.com', 'Subject', 'Body', $headers));
    echo preg_replace('/Script: \d+:\S+/', 'Script: (uid):(file)', str_replace("\r\n", "\n", take_mail()));
}
--EXPECT--
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-PHP-Originating-Script: (uid):(file)
X-Mail-Origin: 01TEST

Body
.
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-PHP-Originating-Script: (uid):(file)
X-Mail-Origin: 01TEST
A: 1

Body
.
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-PHP-Originating-Script: (uid):(file)
X-Mail-Origin: 01TEST
folded
A: 1

Body
.
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-PHP-Originating-Script: (uid):(file)
X-Mail-Origin: 01TEST
false

Body
.
