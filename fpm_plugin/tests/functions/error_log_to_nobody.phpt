--TEST--
error_log(): type 1 without a destination, also by named arguments that skip it
--SKIPIF--
<?php
require __DIR__ . '/../needs.inc';
needs_php('8.0');
if (PHP_VERSION_ID >= 80600) die('skip PHP 8.6 refuses it');
--INI--
error_log={TMP}/mailorigin-error-log-test
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
var_dump(error_log('Body', 1));
show_mail();
var_dump(error_log('Body', message_type: 1, additional_headers: 'From: me@example.com'));
show_mail();
show_questions('function', 'to', 'subject', 'headers', 'size');
--EXPECT--
bool(true)
arguments <>
context <>
To: (null)
Subject: PHP error_log message
X-Mail-Origin: 01TEST

Body
.
bool(true)
arguments <>
context <>
To: (null)
Subject: PHP error_log message
X-Mail-Origin: 01TEST
From: me@example.com

Body
.
function=error_log
to=(unknown)
subject=PHP error_log message
headers=(unknown)
size=4
function=error_log
to=(unknown)
subject=PHP error_log message
headers=From: me@example.com
size=4
2 asked
