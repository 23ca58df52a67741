--TEST--
Headers of 10 MB and 100,000 recipients
--INI--
memory_limit=512M
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
$to = implode(', ', array_map(fn($i) => "user$i@example.com", range(1, 50000)));
$bcc = implode(",\r\n ", array_map(fn($i) => "user$i@example.com", range(50001, 100000)));
$headers = "Bcc: $bcc\r\n" . str_repeat('X-Filler: ' . str_repeat('x', 500) . "\r\n", 20000) . "X-Mail-Origin: false\r\nLast: 1";
var_dump(strlen($headers) > 10_000_000, mail($to, 'Subject', 'Body', $headers));
$mail = str_replace("\r\n", "\n", take_mail()); // PHP 7 ends its own lines with LF
var_dump(substr_count($mail, 'X-Mail-Origin'), str_contains($mail, "\nSubject: Subject\nX-Mail-Origin: 01TEST\nBcc: user50001@"), str_ends_with($mail, "\nLast: 1\n\nBody\n.\n"));
show_questions('recipients', 'truncated');
--EXPECT--
bool(true)
bool(true)
int(1)
bool(true)
bool(true)
recipients=100000
truncated=true
1 asked
