--TEST--
observe sends, with the header
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'observe');
var_dump(mail('to@example.com', 'Subject', 'Body'));
show_mail();
--EXPECT--
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST

Body
.
