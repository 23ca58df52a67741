--TEST--
More values that are accepted and that are not
--FILE--
<?php
$values = [
    'mailorigin.enabled' => ['0', '1', 'On', 'off', 'YES', 'no', 'true', 'False', '', '2', '-1', '1 ', 'on!'],
    'mailorigin.socket' => ['/a', '', '/' . str_repeat('a', 106), '/' . str_repeat('a', 107)],
    'mailorigin.on_failure' => ['allow', 'DENY', '', 'allow deny', '1'],
    'mailorigin.timeout_ms' => ['1', '60000', '60001', '-1', '1.5', '250ms', '99999999999999999999', ''],
];
foreach ($values as $name => $list) {
    foreach ($list as $value) {
        $command = [getenv('TEST_PHP_EXECUTABLE'), '-n', '-d', 'extension=' . getenv('MAILORIGIN_EXTENSION'), '-d', "$name=\"$value\"",
            '-d', 'display_startup_errors=1', '-d', 'html_errors=0', '-r', "echo chr(34), addcslashes(ini_get('$name'), '/'), chr(34);"];
        $process = proc_open($command, [1 => ['pipe', 'w'], 2 => ['redirect', 1]], $pipes);
        $output = stream_get_contents($pipes[1]);
        echo preg_replace('/a{50,}/', 'aaa...', strpos($output, 'MO0302') !== false ? "refused $name=$value, left at " . trim(strrchr($output, "\n")) : "accepted $name=$value as $output"), "\n";
    }
}
--EXPECT--
accepted mailorigin.enabled=0 as "0"
accepted mailorigin.enabled=1 as "1"
accepted mailorigin.enabled=On as "On"
accepted mailorigin.enabled=off as "off"
accepted mailorigin.enabled=YES as "YES"
accepted mailorigin.enabled=no as "no"
accepted mailorigin.enabled=true as "true"
accepted mailorigin.enabled=False as "False"
accepted mailorigin.enabled= as ""
refused mailorigin.enabled=2, left at "1"
refused mailorigin.enabled=-1, left at "1"
refused mailorigin.enabled=1 , left at "1"
refused mailorigin.enabled=on!, left at "1"
accepted mailorigin.socket=/a as "\/a"
refused mailorigin.socket=, left at "\/run\/mailorigin\/mailorigin.sock"
accepted mailorigin.socket=/aaa... as "\/aaa..."
refused mailorigin.socket=/aaa..., left at "\/run\/mailorigin\/mailorigin.sock"
accepted mailorigin.on_failure=allow as "allow"
accepted mailorigin.on_failure=DENY as "DENY"
refused mailorigin.on_failure=, left at "allow"
refused mailorigin.on_failure=allow deny, left at "allow"
refused mailorigin.on_failure=1, left at "allow"
accepted mailorigin.timeout_ms=1 as "1"
accepted mailorigin.timeout_ms=60000 as "60000"
refused mailorigin.timeout_ms=60001, left at "250"
refused mailorigin.timeout_ms=-1, left at "250"
refused mailorigin.timeout_ms=1.5, left at "250"
refused mailorigin.timeout_ms=250ms, left at "250"
refused mailorigin.timeout_ms=99999999999999999999, left at "250"
refused mailorigin.timeout_ms=, left at "250"
