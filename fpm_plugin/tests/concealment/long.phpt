--TEST--
A context longer than any is cut
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('allow');
file_put_contents(test_file('long.php'), '<?php mail("to@example.com", "Subject", "Body");');
putenv('LONG=' . str_repeat('x', 100000));
proc_close(proc_open([getenv('TEST_PHP_EXECUTABLE'), '-n', '-d', 'extension=' . getenv('MAILORIGIN_EXTENSION'), '-d', 'sendmail_path=/bin/true',
    '-d', 'mailorigin.socket=' . ini_get('mailorigin.socket'), test_file('long.php')], [], $pipes, null,
    ['SSL_MAILORIGIN_CONTEXT' => str_repeat('x', 100000)]));
echo strlen(questions()[0]['context']), "\n";
--EXPECT--
8192
