--TEST--
What sendmail would have inherited is gone when a fatal error leaves mail()
--INI--
mail.log=/proc/nonexistent/mail.log
memory_limit=16M
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
register_shutdown_function(function () {
    restore_error_handler();
    echo shell_exec('echo "<$MAILORIGIN_TICKET>"');
    echo shell_exec('echo "$MAILORIGIN_CALL" | base64 -d 2>/dev/null | tr -d "\0" | grep -ao "functionmail" || echo "not mail\'s"');
});
set_error_handler(function () { str_repeat('x', 1 << 30); });
mail('to@example.com', 'Subject', 'Body');
echo "not reached\n";
--EXPECTF--
Fatal error: Allowed memory size of 16777216 bytes exhausted (tried to allocate %d bytes) in %sleaves_within_mail.php on line 9
<>
not mail's
