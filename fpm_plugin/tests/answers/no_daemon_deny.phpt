--TEST--
No daemon, mailorigin.on_failure=deny
--INI--
mailorigin.socket=/proc/nonexistent/daemon.sock
mailorigin.on_failure=deny
--FILE--
<?php
require __DIR__ . '/../helper.inc';
var_dump(mail('to@example.com', 'Subject', 'Body'));
show_mail();
--EXPECTF--
Warning: mail(): Refused by MailOrigin: the recorder cannot be reached in %sno_daemon_deny.php on line 3
bool(false)
