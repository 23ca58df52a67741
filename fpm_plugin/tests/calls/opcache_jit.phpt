--TEST--
The same under opcache with JIT
--SKIPIF--
<?php
require __DIR__ . '/../needs.inc';
needs_jit();
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
$script = script_for_this_php(__DIR__ . '/forms.inc');
$without = run_php($script, false);
foreach (['tracing', 'function'] as $jit) {
    $options = [...opcache_options(), 'opcache.enable_cli=1', 'opcache.jit_buffer_size=16M', "opcache.jit=$jit",
        'opcache.jit_hot_loop=4', 'opcache.jit_hot_func=4', 'opcache.jit_hot_return=2', 'opcache.jit_hot_side_exit=2'];
    $status = run_php(__DIR__ . '/jit_status.inc', true, ...$options);
    echo trim($status), "\n";
    $before = count(questions());
    $with = run_php($script, true, ...$options);
    echo $jit, ': ', $without === $with ? "equal\n" : "different\n$without\n\n$with\n";
    $mails = substr_count($with, "\nTo: ");
    echo $mails > 300 ? 'many' : $mails, ' mails, ', count(questions()) - $before === $mails ? 'each' : 'not each', " asked about\n";
}
--EXPECT--
JIT is on
exit status 0
tracing: equal
many mails, each asked about
JIT is on
exit status 0
function: equal
many mails, each asked about
