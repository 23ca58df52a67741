--TEST--
No daemon, mailorigin.on_failure=allow: sent at once, marked, and named in syslog
--SKIPIF--
<?php
if (file_exists('/dev/log')) die('skip a syslog listens at /dev/log');
if (!is_writable('/dev')) die('skip needs root, to stand in for syslog');
--INI--
mailorigin.socket=/proc/nonexistent/daemon.sock
mailorigin.timeout_ms=60000
mailorigin.patience_ms=60000
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--syslog', '/dev/log', 'allow');
$begin = microtime(true);
var_dump(mail("to@example.com", "A \"subject\" uid=0\r\n folded\x01", 'Body', "X-Mail-Origin: false\r\nFrom: me@example.com\r\nMessage-ID: <1@example.com>"));
echo microtime(true) - $begin < 30 ? "at once\n" : "late\n";
show_mail();
error_log(str_repeat('x', 10000), 1, str_repeat("to@example.com,", 10000));
wait_until(fn() => substr_count(file_get_contents(test_file('questions')), "\n") >= 2);
$lines = explode("\n", trim(file_get_contents(test_file('questions'))));
echo count($lines), " lines\n", $lines[0], "\n", strlen($lines[1]) < 8000 ? "bounded\n" : "too long\n";
--EXPECTF--
bool(true)
at once
arguments <>
context <>
To: to@example.com
Subject: A "subject" uid=0
 folded(blank)
X-Mail-Origin: unrecorded
From: me@example.com
Message-ID: <1@example.com>

Body
.
2 lines
syslog=<20>%s %d:%d:%d mailorigin-php[%d]: MO0301: mail left unrecorded: uid=%d function="mail" file="%sno_daemon.php:5" cause="/proc/nonexistent/daemon.sock: No such file or directory" caller="%sno_daemon.php:5" entry="%sno_daemon.php" recipients="1" stack="%sno_daemon.php:5" from="me@example.com" to="to@example.com" message_id="<1@example.com>" subject="A \"subject\" uid=0   folded "
bounded
