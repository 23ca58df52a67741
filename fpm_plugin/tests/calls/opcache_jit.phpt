--TEST--
The same under opcache with JIT
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
$without = run_php(__DIR__ . '/forms.inc', false);
foreach (['tracing', 'function'] as $jit) {
    $options = [...opcache_options(), 'opcache.enable_cli=1', 'opcache.jit_buffer_size=16M', "opcache.jit=$jit",
        'opcache.jit_hot_loop=4', 'opcache.jit_hot_func=4', 'opcache.jit_hot_return=2', 'opcache.jit_hot_side_exit=2'];
    $status = run_php(__DIR__ . '/jit_status.inc', true, ...$options);
    echo trim($status), "\n";
    $before = count(questions());
    $with = run_php(__DIR__ . '/forms.inc', true, ...$options);
    echo $jit, ': ', $without === $with ? "equal\n" : "different\n$without\n\n$with\n";
    echo substr_count($with, "\nTo: "), ' mails, ', count(questions()) - $before, " asked\n";
}
--EXPECT--
JIT is on
exit status 0
tracing: equal
355 mails, 355 asked
JIT is on
exit status 0
function: equal
355 mails, 355 asked
