--TEST--
php-fpm -v and -i speak of no pool whose memory is open
--FILE--
<?php
require __DIR__ . '/../helper.inc';
foreach (['-v', '-i', '-m'] as $option) {
    $process = proc_open([getenv('MAILORIGIN_FPM'), '-n', '-d', 'extension=' . getenv('MAILORIGIN_EXTENSION'), $option], [1 => ['pipe', 'w'], 2 => ['redirect', 1]], $pipes);
    $output = stream_get_contents($pipes[1]);
    echo "$option ", strlen($output) > 20 ? 'says something, ' : 'says nothing, ', substr_count($output, 'MO03'), " MO03\n";
    proc_close($process);
}
--EXPECT--
-v says something, 0 MO03
-i says something, 0 MO03
-m says something, 0 MO03
