--TEST--
Fields of an answer that are none are left out, values are kept on one line
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', "X-Mail-Origin: one\r\nBcc: two", '--header', 'To: three@example.com', '--header', 'subject: four',
    '--header', "Bad Name: five", '--header', "Bad\nName: six", '--header', ': seven', '--header', 'x-mail-origin: eight',
    '--header', "X-Long: " . str_repeat('x', 2000), '--header', "X-Bytes: \xff\x01ü", 'allow');
var_dump(mail('to@example.com', 'Subject', 'Body', 'A: 1'));
echo preg_replace('/x{100,}/', '(long)', str_replace("\r\n", "\n", take_mail()));
var_dump(mail('to@example.com', 'Subject', 'Body', ['A' => '1']));
echo preg_replace('/x{100,}/', '(long)', str_replace("\r\n", "\n", take_mail()));
--EXPECT--
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: one  Bcc: two
X-Long: (long)
X-Bytes: \xff\x01\xc3\xbc
A: 1

Body
.
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: one  Bcc: two
X-Long: (long)
X-Bytes: \xff\x01\xc3\xbc
A: 1

Body
.
