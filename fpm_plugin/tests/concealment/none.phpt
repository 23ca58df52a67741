--TEST--
Without a context there is none to show, and none to make up
--ENV--
REDIRECT_SSL_MAILORIGIN_CONTEXT=older
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('allow');
var_dump(putenv('SSL_MAILORIGIN_CONTEXT=mine'));
mail('to@example.com', 'Subject', 'Body');
show_mail();
show_questions('context');
--EXPECT--
bool(false)
arguments <>
context <>
To: to@example.com
Subject: Subject

Body
.
context=
1 asked
