--TEST--
A fatal error inside mail() ends the script and nothing else
--INI--
mail.log=/proc/nonexistent/mail.log
memory_limit=16M
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
register_shutdown_function(function () {
    restore_error_handler();
    var_dump(@mail('shutdown@example.com', 'Subject', 'Body'));
    show_mail();
    show_questions('to');
});
set_error_handler(function () { str_repeat('x', 1 << 30); });
mail('to@example.com', 'Subject', 'Body');
echo "not reached\n";
--EXPECTF--
Fatal error: Allowed memory size of 16777216 bytes exhausted (tried to allocate %d bytes) in %sbailout.php on line 10
bool(true)
arguments <>
context <>
To: shutdown@example.com
Subject: Subject
X-Mail-Origin: 01TEST

Body
.
to=to@example.com
to=shutdown@example.com
2 asked
