--TEST--
mail(): our header with every form of additional_headers
--SKIPIF--
<?php
require __DIR__ . '/../needs.inc';
needs_php('8.0');
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');

echo "-- missing\n";
var_dump(mail('to@example.com', 'Subject', 'Body'));
show_mail();
echo "-- empty string\n";
var_dump(mail('to@example.com', 'Subject', 'Body', ''));
show_mail();
echo "-- string\n";
var_dump(mail('to@example.com', 'Subject', 'Body', "From: me@example.com\r\nCc: cc@example.com"));
show_mail();
echo "-- null\n";
var_dump(mail('to@example.com', 'Subject', 'Body', null));
show_mail();
echo "-- array\n";
$headers = ['From' => 'me@example.com', 'X-List' => ['one', 'two']];
var_dump(mail('to@example.com', 'Subject', 'Body', $headers, '-fbounce@example.com'));
show_mail();
echo "-- the script's array is as it was\n";
echo json_encode($headers), "\n";
echo "-- empty array\n";
var_dump(mail('to@example.com', 'Subject', 'Body', []));
show_mail();
echo "-- named arguments that skip the headers\n";
var_dump(mail(to: 'to@example.com', subject: 'Subject', message: 'Body', additional_params: '-fbounce@example.com'));
show_mail();
echo "-- named arguments\n";
var_dump(mail(additional_headers: 'From: me@example.com', message: 'Body', subject: 'Subject', to: 'to@example.com'));
show_mail();
echo "-- an object that is a string\n";
$text = new class { public function __toString(): string { echo "converted once\n"; return 'From: me@example.com'; } };
var_dump(mail('to@example.com', 'Subject', 'Body', $text));
show_mail();
echo "-- a reference in an array\n";
$from = 'me@example.com';
var_dump(mail('to@example.com', 'Subject', 'Body', ['From' => &$from]));
show_mail();
show_questions();
--EXPECTF--
-- missing
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST

Body
.
-- empty string
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST

Body
.
-- string
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST
From: me@example.com
Cc: cc@example.com

Body
.
-- null

Deprecated: mail(): Passing null to parameter #4 ($additional_headers) of type array|string is deprecated in %smail_headers.php on line 15
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST

Body
.
-- array
bool(true)
arguments <-fbounce@example.com>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST
From: me@example.com
X-List: one
X-List: two

Body
.
-- the script's array is as it was
{"From":"me@example.com","X-List":["one","two"]}
-- empty array
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST

Body
.
-- named arguments that skip the headers
bool(true)
arguments <-fbounce@example.com>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST

Body
.
-- named arguments
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST
From: me@example.com

Body
.
-- an object that is a string
converted once
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST
From: me@example.com

Body
.
-- a reference in an array
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST
From: me@example.com

Body
.
10 asked
