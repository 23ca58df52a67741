--TEST--
Answers that are none, or belong to another question, are not believed; a lost connection is asked again
--FILE--
<?php
require __DIR__ . '/../helper.inc';
foreach (['close', 'garbage', 'foreign'] as $fault) {
    start_daemon('--header', 'X-Mail-Origin: 01TEST', $fault, 'allow', $fault, $fault, 'allow');
    echo "-- $fault\n";
    var_dump(mail('to@example.com', 'Subject', 'Body'));
    var_dump(mail('to@example.com', 'Subject', 'Body'));
    echo substr_count(take_mail(), 'X-Mail-Origin: 01TEST'), " with the header\n";
    show_questions();
    stop_daemon();
}
--EXPECT--
-- close
bool(true)
bool(true)
2 with the header
5 asked
-- garbage
bool(true)
bool(true)
2 with the header
5 asked
-- foreign
bool(true)
bool(true)
2 with the header
5 asked
