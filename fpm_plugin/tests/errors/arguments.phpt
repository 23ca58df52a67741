--TEST--
Wrong arguments raise what they raise without the plugin, and nothing is asked
--SKIPIF--
<?php
require __DIR__ . '/../needs.inc';
needs_php('8.0');
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
foreach (['', ...extensions('mbstring', 'imap')] as $extension) {
    $without = run_php(__DIR__ . '/wrong_arguments.inc', false, ...array_filter([$extension]));
    $with = run_php(__DIR__ . '/wrong_arguments.inc', true, ...array_filter([$extension]));
    $all_equal = ($all_equal ?? true) && $without === $with;
    echo $without === $with ? '' : "different\n$without\n\n$with\n", substr_count($with, 'Error: ') >= 40 ? '' : "few errors\n";
}
echo $all_equal ? "equal\n" : '';
show_questions();
--EXPECT--
equal
0 asked
