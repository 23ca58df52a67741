--TEST--
The settings and their defaults
--FILE--
<?php
$command = [getenv('TEST_PHP_EXECUTABLE'), '-n', '-d', 'extension=' . getenv('MAILORIGIN_EXTENSION'), '-r',
    'foreach (ini_get_all("mailorigin") as $name => $setting) echo "$name = $setting[global_value] (access $setting[access])\n";'];
$process = proc_open($command, [1 => ['pipe', 'w']], $pipes);
echo stream_get_contents($pipes[1]);
--EXPECT--
mailorigin.enabled = 1 (access 4)
mailorigin.mailers =  (access 4)
mailorigin.on_failure = allow (access 4)
mailorigin.on_timeout = deny (access 4)
mailorigin.patience_ms = 5000 (access 4)
mailorigin.socket = /run/mailorigin/mailorigin.sock (access 4)
mailorigin.timeout_ms = 250 (access 4)
