--TEST--
mail.mixed_lf_and_crlf is followed
--INI--
mail.mixed_lf_and_crlf=1
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
mail('to@example.com', 'Subject', 'Body', "A: 1\nB: 2");
echo json_encode(take_mail()), "\n";
--EXPECT--
"arguments <>\ncontext <>\nTo: to@example.com\nSubject: Subject\nX-Mail-Origin: 01TEST\nA: 1\nB: 2\n\nBody\n.\n"
