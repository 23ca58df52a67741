--TEST--
A daemon that was restarted is found again
--FILE--
<?php
require __DIR__ . '/../helper.inc';
for ($i = 0; $i < 3; $i++) {
    start_daemon('--header', "X-Mail-Origin: $i", 'allow');
    var_dump(mail('to@example.com', 'Subject', 'Body'));
    echo trim(strstr(strstr(take_mail(), 'X-Mail'), "\n", true)), "\n";
    stop_daemon();
}
mail('to@example.com', 'Subject', 'Body');
echo trim(strstr(strstr(take_mail(), 'X-Mail'), "\n", true)), "\n";
--EXPECT--
bool(true)
X-Mail-Origin: 0
bool(true)
X-Mail-Origin: 1
bool(true)
X-Mail-Origin: 2
X-Mail-Origin: unrecorded
