--TEST--
An error handler that throws out of mail() leaves no trace in the next call
--SKIPIF--
<?php
require __DIR__ . '/../needs.inc';
needs_php('8.0');
--INI--
mail.log=/proc/nonexistent/mail.log
--ENV--
SSL_MAILORIGIN_CONTEXT=sealed
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
set_error_handler(function ($number, $message) { throw new Exception($message); });
foreach ([[], ['X-One: 1'], [['X-One' => '1']]] as $headers) {
    try {
        var_dump(mail('to@example.com', 'Subject', 'Body', ...$headers));
    } catch (Exception $e) {
        echo preg_replace('/^.*(#\d+ .*?)?(: | )(mail\(.*\))$/m', '$3', explode("\n", $e->getTraceAsString())[1]), "\n";
    }
}
restore_error_handler();
var_dump(@mail('to@example.com', 'Subject', 'Body'));
show_mail();
show_questions('context');
--EXPECT--
mail('to@example.com', 'Subject', 'Body', 'X-Mail-Origin: ...')
mail('to@example.com', 'Subject', 'Body', 'X-Mail-Origin: ...')
mail('to@example.com', 'Subject', 'Body', Array)
bool(true)
arguments <>
context <sealed>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST

Body
.
context=sealed
context=sealed
context=sealed
context=sealed
4 asked
