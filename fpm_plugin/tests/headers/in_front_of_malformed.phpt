--TEST--
A malformed line among the script's headers cannot push ours into the body
--FILE--
<?php
require __DIR__ . '/../helper.inc';
start_daemon('--header', 'X-Mail-Origin: 01TEST', 'allow');
foreach (["no colon here\r\nA: 1", "A: 1\r\n \r\nB: 2", "A: 1\rB: 2\rmalformed"] as $headers) {
    var_dump(mail('to@example.com', 'Subject', 'Body', $headers));
    show_mail();
}
--EXPECT--
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST
no colon here
A: 1

Body
.
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST
A: 1
(blank)
B: 2

Body
.
bool(true)
arguments <>
context <>
To: to@example.com
Subject: Subject
X-Mail-Origin: 01TEST
A: 1\rB: 2\rmalformed

Body
.
