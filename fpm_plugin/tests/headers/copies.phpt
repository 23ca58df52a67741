--TEST--
Copies of our header that the script supplies are left out, ours stands in front
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', '--header', 'X-Second: two', 'allow');
$copies = [
    'first' => "X-Mail-Origin: false\r\nA: 1",
    'last' => "A: 1\r\nX-Mail-Origin: false",
    'last, with a line end' => "A: 1\r\nX-Mail-Origin: false\r\n",
    'alone' => "X-Mail-Origin: false",
    'other case' => "A: 1\r\nx-MAIL-origin: false\r\nB: 2",
    'blank before the colon' => "A: 1\r\nX-Mail-Origin \t: false\r\nB: 2",
    'no blank after the colon' => "A: 1\r\nX-Mail-Origin:false\r\nB: 2",
    'folded' => "A: 1\r\nX-Mail-Origin: false\r\n more\r\n\tand more\r\nB: 2",
    'LF alone' => "A: 1\nX-Mail-Origin: false\nB: 2",
    'CR alone' => "A: 1\rX-Mail-Origin: false\rB: 2",
    'several' => "X-Mail-Origin: a\r\nA: 1\r\nX-Mail-Origin: b\r\nX-Second: c\r\nX-Mail-Origin: d",
    'another name that begins the same' => "X-Mail-Origin-More: kept\r\nA: 1",
    'the name inside a folded value' => "A: 1\r\n X-Mail-Origin: kept, a value\r\nB: 2",
];
foreach ($copies as $name => $headers) {
    echo "-- $name\n";
    var_dump(mail('to@example.com', 'Subject', 'Body', $headers));
    show_mail();
}
echo "-- array\n";
var_dump(mail('to@example.com', 'Subject', 'Body', ['A' => '1', 'x-mail-origin' => 'false', 'X-SECOND' => ['c', 'd'], 'B' => '2']));
show_mail();
echo "-- array of nothing else\n";
var_dump(mail('to@example.com', 'Subject', 'Body', ['x-mail-origin' => 'false']));
show_mail();
--EXPECT--
-- first
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST
X-Second: two
A: 1

Body
.
-- last
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST
X-Second: two
A: 1

Body
.
-- last, with a line end
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST
X-Second: two
A: 1

Body
.
-- alone
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST
X-Second: two

Body
.
-- other case
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST
X-Second: two
A: 1
B: 2

Body
.
-- blank before the colon
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST
X-Second: two
A: 1
B: 2

Body
.
-- no blank after the colon
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST
X-Second: two
A: 1
B: 2

Body
.
-- folded
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST
X-Second: two
A: 1
B: 2

Body
.
-- LF alone
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST
X-Second: two
A: 1
B: 2

Body
.
-- CR alone
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST
X-Second: two
A: 1\rB: 2

Body
.
-- several
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST
X-Second: two
A: 1

Body
.
-- another name that begins the same
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST
X-Second: two
X-Mail-Origin-More: kept
A: 1

Body
.
-- the name inside a folded value
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST
X-Second: two
A: 1
 X-Mail-Origin: kept, a value
B: 2

Body
.
-- array
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST
X-Second: two
A: 1
B: 2

Body
.
-- array of nothing else
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST
X-Second: two

Body
.
