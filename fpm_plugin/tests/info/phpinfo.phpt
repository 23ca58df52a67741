--TEST--
phpinfo() has a section
--FILE--
<?php
ob_start();
phpinfo(INFO_MODULES);
$info = ob_get_clean();
preg_match('/^mailorigin\n.*?timeout_ms.*?$/ms', $info, $section);
echo str_replace(getenv('MAILORIGIN_TEST_DIR'), '', $section[0]), "\n";
--EXPECT--
mailorigin

MailOrigin => enabled
Version => 0.1.0

Directive => Local Value => Master Value
mailorigin.enabled => 1 => 1
mailorigin.mailers => no value => no value
mailorigin.on_failure => allow => allow
mailorigin.on_timeout => deny => deny
mailorigin.patience_ms => 5000 => 5000
mailorigin.socket => /daemon.sock => /daemon.sock
mailorigin.timeout_ms => 250 => 250
