--TEST--
error_log(): type 1 sends mail, however the 1 is written; the other types are left alone
--SKIPIF--
<?php
require __DIR__ . '/../needs.inc';
needs_php('8.0');
--INI--
error_log={TMP}/mailorigin-error-log-test
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
foreach ([1, '1', true, 1.0, 4294967297] as $type) {
    echo '-- ', var_export($type, true), "\n";
    var_dump(error_log('Body', $type, 'to@example.com', "From: me@example.com\nX-Mail-Origin: false"));
    show_mail();
}
echo "-- without headers\n";
var_dump(error_log('Body', 1, 'to@example.com'));
show_mail();
echo "-- headers with a NUL, where PHP stops reading\n";
var_dump(error_log('Body', 1, 'to@example.com', "X-One: 1\0X-Mail-Origin: false"));
show_mail();
echo "-- a deprecated null, said once\n";
var_dump(error_log('Body', null, 'to@example.com'));
echo "-- other types\n";
var_dump(error_log('Body'), error_log('Body', 0), error_log('Body', 3, test_file('log')), error_log('Body', 5));
show_questions('function', 'to', 'subject', 'headers', 'size');
--CLEAN--
<?php
@unlink(sys_get_temp_dir() . '/mailorigin-error-log-test');
--EXPECTF--
-- 1
bool(true)
arguments <>
context <>
To: to@example.com
Subject: PHP error_log message
X-Mail-Origin: 01TEST
From: me@example.com

Body
.
-- '1'
bool(true)
arguments <>
context <>
To: to@example.com
Subject: PHP error_log message
X-Mail-Origin: 01TEST
From: me@example.com

Body
.
-- true
bool(true)
arguments <>
context <>
To: to@example.com
Subject: PHP error_log message
X-Mail-Origin: 01TEST
From: me@example.com

Body
.
-- 1.0
bool(true)
arguments <>
context <>
To: to@example.com
Subject: PHP error_log message
X-Mail-Origin: 01TEST
From: me@example.com

Body
.
-- 4294967297
bool(true)
arguments <>
context <>
To: to@example.com
Subject: PHP error_log message
X-Mail-Origin: 01TEST
From: me@example.com

Body
.
-- without headers
bool(true)
arguments <>
context <>
To: to@example.com
Subject: PHP error_log message
X-Mail-Origin: 01TEST

Body
.
-- headers with a NUL, where PHP stops reading
bool(true)
arguments <>
context <>
To: to@example.com
Subject: PHP error_log message
X-Mail-Origin: 01TEST
X-One: 1

Body
.
-- a deprecated null, said once

Deprecated: error_log(): Passing null to parameter #2 ($message_type) of type int is deprecated in %serror_log.php on line %d
bool(true)
-- other types
bool(true)
bool(true)
bool(true)
bool(true)
function=error_log
to=to@example.com
subject=PHP error_log message
headers=From: me@example.com X-Mail-Origin: false
size=4
function=error_log
to=to@example.com
subject=PHP error_log message
headers=From: me@example.com X-Mail-Origin: false
size=4
function=error_log
to=to@example.com
subject=PHP error_log message
headers=From: me@example.com X-Mail-Origin: false
size=4
function=error_log
to=to@example.com
subject=PHP error_log message
headers=From: me@example.com X-Mail-Origin: false
size=4
function=error_log
to=to@example.com
subject=PHP error_log message
headers=From: me@example.com X-Mail-Origin: false
size=4
function=error_log
to=to@example.com
subject=PHP error_log message
headers=(unknown)
size=4
function=error_log
to=to@example.com
subject=PHP error_log message
headers=X-One: 1
size=4
7 asked
