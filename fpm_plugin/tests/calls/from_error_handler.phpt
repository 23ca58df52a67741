--TEST--
A mail() that an error handler sends from inside mail() is asked about on its own
--INI--
mail.log=/proc/nonexistent/mail.log
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
set_error_handler(function ($number, $message) {
    restore_error_handler();
    echo $message, "\n";
    @mail('inner@example.com', 'Subject', 'Body', 'X-Mail-Origin: false');
    return true;
});
var_dump(mail('outer@example.com', 'Subject', 'Body', 'X-Mail-Origin: false'));
show_mail();
show_questions('to');
--EXPECTF--
mail(%S): %cailed to open stream: No such file or directory
bool(true)
arguments <>
context <>
To: inner@example.com
Subject: Subject
X-Mail-Origin: 01TEST

Body
.
arguments <>
context <>
To: outer@example.com
Subject: Subject
X-Mail-Origin: 01TEST

Body
.
to=outer@example.com
to=inner@example.com
2 asked
