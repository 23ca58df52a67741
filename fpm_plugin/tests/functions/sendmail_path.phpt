--TEST--
The sender in sendmail_path is an envelope sender, its other words are not the script's
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('allow');
$path = ini_get('sendmail_path') . " -t -C/etc/mail.rc --tls=on '-f' admin@example.com";
proc_close(proc_open(
    [getenv('TEST_PHP_EXECUTABLE'), '-n', '-d', 'extension=' . getenv('MAILORIGIN_EXTENSION'),
        '-d', "sendmail_path=\"$path\"", '-d', 'mailorigin.socket=' . ini_get('mailorigin.socket'),
        '-r', "mail('to@example.com', 'Subject', 'Body');
               mail('to@example.com', 'Subject', 'Body', '', '-fmine@example.com one@example.com');"],
    [], $pipes));
show_questions('envelope_from', 'recipients');
--EXPECT--
envelope_from=admin@example.com
recipients=1
envelope_from=admin@example.com, mine@example.com
recipients=2
2 asked
