--TEST--
php-fpm without a syslog: the line goes to the server's log, but not after fastcgi_finish_request()
--SKIPIF--
<?php
if (file_exists('/dev/log')) die('skip a syslog listens at /dev/log');
--FILE--
<?php
require __DIR__ . '/../helper.inc';
require __DIR__ . '/fpm.inc';
start_fpm(['one' => 'php_admin_value[mailorigin.socket] = /proc/nonexistent/daemon.sock'], ...plugin_options());
request('one', '<?php
mail("early@example.com", "Subject", "Body");
fastcgi_finish_request();
mail("late@example.com", "Subject", "Body");
file_put_contents(getenv("MAILORIGIN_TEST_DIR") . "/after", error_get_last()["message"]);');
wait_until(fn() => @filesize(test_file('after')));
echo preg_replace('/uid=.*/s', '...', $server_log), "\n", file_get_contents(test_file('after')), "\n";
preg_match_all('/To: (.*)|X-Mail-Origin: .*/', take_mail(), $lines);
echo implode("\n", $lines[0]), "\n";
--EXPECT--
PHP message: MO0301: mail left unrecorded: ...
mail(): Refused by MailOrigin: unlogged, there is no recorder, and no log takes its line
To: early@example.com
X-Mail-Origin: unrecorded
