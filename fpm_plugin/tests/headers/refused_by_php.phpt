--TEST--
Headers that PHP refuses are refused as without the plugin, and nothing is asked
--SKIPIF--
<?php
require __DIR__ . '/../needs.inc';
needs_php('8.0');
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
$script = __DIR__ . '/malformed.inc';
foreach (['0', '1'] as $x_header) {
    $asked = count(questions());
    $without = run_php($script, false, "mail.add_x_header=$x_header");
    $with = run_php($script, true, "mail.add_x_header=$x_header");
    // What continues PHP's own line must not continue ours.
    $without = preg_replace('/(Script: \d+:malformed.inc\r\n)(?: \r\n|\t (?=folded)|\x01\x02)/', '$1', $without);
    echo $without === $with ? "equal\n" : "different\n$without\n\n$with\n";
    echo substr_count($with, 'Multiple or malformed'), ' refused, ', substr_count($with, "\nTo: "), ' sent, ', count(questions()) - $asked, " asked\n";
}
--EXPECT--
equal
50 refused, 19 sent, 19 asked
equal
37 refused, 32 sent, 32 asked
