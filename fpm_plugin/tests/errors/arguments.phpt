--TEST--
Wrong arguments raise what they raise without the plugin, and nothing is asked
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
foreach (['extension=mbstring', 'extension=imap'] as $extension) {
    $without = run_php(__DIR__ . '/wrong_arguments.inc', false, $extension);
    $with = run_php(__DIR__ . '/wrong_arguments.inc', true, $extension);
    echo $without === $with ? "equal\n" : "different\n$without\n\n$with\n";
    echo substr_count($with, 'Error: '), " errors\n";
}
show_questions();
--EXPECT--
equal
50 errors
equal
53 errors
0 asked
